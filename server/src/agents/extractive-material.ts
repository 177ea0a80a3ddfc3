import { sourceUnits, type SourceUnit } from '../engines/data-processing/source-unit.ts';
import { hashJson, type Json } from '../lib/json.ts';
import { documentReadOutput, maxLines, type DocumentRead } from '../tools/document-read.ts';
import { pathWeight, projectSearchOutput, type ProjectSearch } from '../tools/project-search.ts';
import { maxRankedSentences } from '../engines/data-processing/lexrank.ts';
import { summariseOutput } from '../tools/summarise.ts';
import { useTool, needTool, type AgentRun } from './agent-run.ts';

/** A sentence or declaration with the file it stands in. */
export interface Material extends SourceUnit {
  path: string;
}

export interface SearchRequest {
  query: string;
  kinds?: ('CODE' | 'PROSE' | 'CONFIG')[];
  folder?: string;
  /** Passages to look for. */
  limit: number;
}

export async function search(run: AgentRun, request: SearchRequest): Promise<ProjectSearch['passages']> {
  const { query, limit, kinds, folder } = request;
  const input: Json = { query, limit, ...(kinds ? { kinds } : {}), ...(folder ? { folder } : {}) };
  return (await needTool(run, 'project.search', input, projectSearchOutput)).passages;
}

interface Range {
  path: string;
  startLine: number;
  endLine: number;
}

/** Reads files again rather than trusting the index: what is cited must be there now. Gone or refused files are left out. */
export async function read(run: AgentRun, ranges: readonly Range[]): Promise<DocumentRead[]> {
  const documents: DocumentRead[] = [];
  for (const { path, startLine, endLine } of ranges) {
    const document = await useTool(run, 'document.read', { path, startLine, endLine }, documentReadOutput);
    if (document) documents.push(document);
  }
  return documents;
}

/** The passages of a search as few reads: one a file, spanning its passages as far as one read goes. */
export function rangesOf(passages: ProjectSearch['passages'], maxFiles: number): Range[] {
  const ranges = new Map<string, Range>();
  for (const { path, startLine, endLine } of passages) {
    const range = ranges.get(path);
    if (!range) {
      if (ranges.size < maxFiles) ranges.set(path, { path, startLine, endLine });
      continue;
    }
    const start = Math.min(range.startLine, startLine);
    const end = Math.max(range.endLine, endLine);
    if (end - start < maxLines) Object.assign(range, { startLine: start, endLine: end });
  }
  return [...ranges.values()];
}

export function materialOf(documents: readonly DocumentRead[]): Material[] {
  return documents.flatMap(({ path, kind, lines, startLine }) =>
    sourceUnits(kind, lines, startLine)
      .filter((unit) => unit.quote !== '')
      .map((unit) => ({ ...unit, path })),
  );
}

export interface PickOptions {
  query?: string;
  limit: number;
  /** Multiplies a unit's prior weight. */
  weight?(unit: Material): number;
}

/** The material that says most (about the query), best first: the step `summarise`. */
export async function pick(
  run: AgentRun,
  material: readonly Material[],
  options: PickOptions,
): Promise<Material[]> {
  const units = trim(material, options.query);
  if (units.length === 0) return [];
  const input: Json = {
    sentences: units.map((unit) => rankText(unit)),
    weights: units.map((unit) => Math.round(100 * unitWeight(unit) * (options.weight?.(unit) ?? 1)) / 100),
    limit: options.limit,
    ...(options.query === undefined ? {} : { query: options.query }),
  };
  const recorded: Json = {
    query: options.query ?? null,
    limit: options.limit,
    sentenceCount: units.length,
    paths: [...new Set(units.map(({ path }) => path))],
    inputHash: hashJson(input),
  };
  const summary = await needTool(run, 'summarise', input, summariseOutput, recorded);
  return summary.picked.flatMap(({ index }) => units[index] ?? []);
}

/** Too many to rank: keep a share of each file, in order, so that no file drowns the others. */
function trim(material: readonly Material[], query: string | undefined): Material[] {
  const distinct = [
    ...new Map(material.map((unit) => [`${unit.path} ${unit.text} ${unit.signature ?? ''}`, unit])).values(),
  ];
  if (distinct.length <= maxRankedSentences) return distinct;
  const files = new Set(distinct.map((unit) => unit.path)).size;
  const share = Math.max(5, Math.floor(maxRankedSentences / files));
  const counts = new Map<string, number>();
  const wanted = (query ?? '').toLowerCase();
  return distinct
    .filter((unit) => {
      const count = (counts.get(unit.path) ?? 0) + 1;
      counts.set(unit.path, count);
      return count <= share || (unit.symbol !== undefined && wanted.includes(unit.symbol.toLowerCase()));
    })
    .slice(0, maxRankedSentences);
}

function rankText(unit: Material): string {
  const place = unit.path.split('/').at(-1) ?? '';
  const about =
    unit.kind === 'PROSE' ? (unit.headings?.at(-1) ?? '') : `${unit.signature ?? unit.symbol ?? ''} ${place}`;
  return `${unit.text} ${about}`.trim().slice(0, 1_900);
}

function unitWeight(unit: Material): number {
  const documented = unit.text !== '';
  const minor =
    /^(?:(?:declare )?(?:const|let|var) \w+(?!.*(?:=>|function|\())|create (?:unique )?index)/.test(
      unit.signature ?? '',
    );
  const declared = documented ? (minor ? 0.6 : 1.3) : minor ? 0.2 : 0.45;
  const byKind = unit.kind === 'PROSE' ? 1.15 : unit.kind === 'COMMENT' ? 0.85 : declared;
  const fragment = unit.kind !== 'DECLARATION' && unit.text.split(/\s+/).length < 5 ? 0.6 : 1;
  return byKind * fragment * pathWeight(unit.path);
}

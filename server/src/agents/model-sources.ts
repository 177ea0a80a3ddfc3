import { stems } from '../engines/data-processing/lexrank.ts';
import { splitLines } from '../engines/data-processing/source-unit.ts';
import type { Citation } from '../engines/task-execution/task-context.ts';
import { documentReadOutput } from '../tools/document-read.ts';
import { projectSearchOutput } from '../tools/project-search.ts';
import { projectOutlineOutput } from '../tools/project-outline.ts';
import { projectMarksOutput } from '../tools/project-marks.ts';
import type { ToolResult } from '../tools/tool.ts';
import { mapMarkers, type CitedText, type Source } from './cited-text.ts';
import type { DependencyOutput } from './agent-run.ts';

/** A numbered piece of material that was shown to the model, which cites it as `[n]`. */
interface ShownSource {
  number: number;
  path?: string;
  url?: string;
  startLine: number;
  lines: string[];
  /** Handed on from a task before: its quote is settled. */
  citation?: Source;
}

/** Numbers what the model is shown and turns its `[n]` back into places. */
export interface SourceLedger {
  /** A tool's result as the model reads it: numbered passages between marks that say it is data. */
  show(tool: string, result: ToolResult): string;
  /** Outputs of the tasks before, their citations renumbered into this ledger. */
  showDependencies(dependencies: readonly DependencyOutput[]): string;
  /** The answer with one numbering from 1; markers of nothing that was shown are removed and counted. */
  resolve(text: string): CitedText & { unknownCount: number };
}

const maxShownChars = 24_000;
const maxQuoteLines = 3;

export function createSourceLedger(): SourceLedger {
  const sources: ShownSource[] = [];
  const add = (source: Omit<ShownSource, 'number'>): ShownSource => {
    const shown = { number: sources.length + 1, ...source };
    sources.push(shown);
    return shown;
  };
  return {
    show(tool, result) {
      if (!result.ok) return `The tool refused (${result.code}): ${result.message}`;
      return delimit(tool, showOutput(tool, result.output, add));
    },
    showDependencies(dependencies) {
      return dependencies
        .map(({ title, text, citations }) => {
          const numbers = new Map(
            citations.map(({ marker, ...citation }) => [
              marker,
              add({ startLine: citation.startLine ?? 1, lines: [], citation }).number,
            ]),
          );
          const list = citations
            .map(
              (citation) =>
                `[${numbers.get(citation.marker)}] ${placeOf(citation)}: ${citation.quote.replace(/\s+/g, ' ').slice(0, 300)}`,
            )
            .join('\n');
          const renumbered = mapMarkers(text, (marker) => numbers.get(marker));
          return delimit(`result of "${title}"`, `${renumbered}\n\nIts sources:\n${list || 'none'}`);
        })
        .join('\n\n');
    },
    resolve: (text) => resolveMarkers(text, sources),
  };
}

function showOutput(
  tool: string,
  output: unknown,
  add: (source: Omit<ShownSource, 'number'>) => ShownSource,
): string {
  const found = parsePassages(tool, output);
  if (!found) return JSON.stringify(output).slice(0, maxShownChars);
  if (found.length === 0) return 'nothing found';
  let length = 0;
  const parts: string[] = [];
  for (const source of found) {
    if (length > maxShownChars) break;
    const { number, path, url, startLine, lines } = add(source);
    const head = url
      ? `[${number}] ${url}`
      : `[${number}] ${path}:${startLine}-${startLine + lines.length - 1}`;
    const part = `${head}\n${lines.join('\n')}`.slice(
      0,
      maxShownChars - Math.min(length, maxShownChars - 500),
    );
    length += part.length;
    parts.push(part);
  }
  if (parts.length < found.length) parts.push(`(${found.length - parts.length} more left out: too long)`);
  return parts.join('\n\n');
}

function parsePassages(tool: string, output: unknown): Omit<ShownSource, 'number'>[] | undefined {
  if (tool === 'project.search') {
    return projectSearchOutput
      .parse(output)
      .passages.map(({ path, startLine, content }) => ({ path, startLine, lines: splitLines(content) }));
  }
  if (tool === 'document.read') {
    const { path, startLine, lines } = documentReadOutput.parse(output);
    return [{ path, startLine, lines }];
  }
  if (tool === 'project.marks') {
    return projectMarksOutput
      .parse(output)
      .lines.map(({ path, line, text }) => ({ path, startLine: line, lines: [text] }));
  }
  if (tool === 'project.outline') {
    const { sources, folders } = projectOutlineOutput.parse(output);
    const overview = folders.map(({ path, fileCount }) => `${path}/ (${fileCount} files)`).join('\n');
    const said = [...sources, ...folders.flatMap((folder) => folder.sources.slice(0, 1))];
    return [
      { path: 'folders', startLine: 1, lines: splitLines(overview) },
      ...said.map(({ path, startLine, quote }) => ({ path, startLine, lines: splitLines(quote) })),
    ];
  }
  if (
    tool === 'http.fetch' &&
    typeof output === 'object' &&
    output !== null &&
    'url' in output &&
    'text' in output
  ) {
    return [{ url: String(output.url), startLine: 1, lines: splitLines(String(output.text)) }];
  }
  return undefined;
}

/** Whatever stands between these marks was written by others: the instructions say so. */
function delimit(name: string, text: string): string {
  return `<data from="${name.replace(/[<>"]/g, '')}">\n${text.replace(/<\/?data\b/gi, (tag) => tag.replace('<', '‹'))}\n</data>`;
}

function resolveMarkers(text: string, sources: readonly ShownSource[]): CitedText & { unknownCount: number } {
  const citations: Citation[] = [];
  const byKey = new Map<string, number>();
  const unknown = new Set<number>();
  const resolved = mapMarkers(text, (number, at) => {
    const shown = sources[number - 1];
    const source = shown && toSource(shown, sentenceBefore(text, at));
    if (!source || source.path === 'folders') {
      if (!shown) unknown.add(number);
      return undefined;
    }
    const key = JSON.stringify(source);
    let marker = byKey.get(key);
    if (marker === undefined) {
      marker = citations.length + 1;
      byKey.set(key, marker);
      citations.push({ marker, ...source });
    }
    return marker;
  });
  return { text: resolved, citations, unknownCount: unknown.size };
}

function sentenceBefore(text: string, at: number): string {
  const before = text.slice(Math.max(0, at - 400), at);
  return before.split(/(?<=[.!?])\s|\n/).findLast((part) => part.trim() !== '') ?? before;
}

/** The lines of a passage that share most with the sentence they are cited for: narrower than "somewhere in 80 lines". */
function toSource(shown: ShownSource, sentence: string): Source | undefined {
  if (shown.citation) return shown.citation;
  const wanted = new Set(stems(sentence));
  let best = shown.lines.findIndex((line) => line.trim() !== '');
  if (best < 0) return undefined;
  let bestScore = 0;
  shown.lines.forEach((line, index) => {
    const score = new Set(stems(line).filter((word) => wanted.has(word))).size;
    if (score > bestScore) [best, bestScore] = [index, score];
  });
  let end = best;
  while (
    end + 1 < shown.lines.length &&
    end - best + 1 < maxQuoteLines &&
    /[^.;{}]$/.test(shown.lines[end]!.trim()) &&
    shown.lines[end + 1]!.trim() !== ''
  )
    end += 1;
  const quote = shown.lines
    .slice(best, end + 1)
    .join('\n')
    .trim()
    .slice(0, 400);
  const lines = shown.url ? {} : { startLine: shown.startLine + best, endLine: shown.startLine + end };
  return {
    ...(shown.path ? { path: shown.path } : {}),
    ...(shown.url ? { url: shown.url } : {}),
    ...lines,
    quote,
  };
}

function placeOf({ path, url, startLine, endLine }: Citation): string {
  return url ?? `${path ?? ''}:${startLine ?? '?'}-${endLine ?? '?'}`;
}

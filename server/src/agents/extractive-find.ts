import { declarationAt } from '../engines/data-processing/code-declarations.ts';
import { stem, stems } from '../engines/data-processing/lexrank.ts';
import { queryTerms, searchWords } from '../engines/data-processing/search-words.ts';
import type { DocumentRead } from '../tools/document-read.ts';
import type { AgentRun } from './agent-run.ts';
import { createCitedText, quoteText, type CitedText } from './cited-text.ts';
import { rangesOf, read, search } from './extractive-material.ts';

export interface FindInput {
  query: string;
  kinds?: ('CODE' | 'PROSE' | 'CONFIG')[];
}

interface Hit {
  path: string;
  line: number;
  text: string;
  /** Share of the query's words on the line, plus one when it declares what was asked for. */
  score: number;
  symbol?: string;
}

const filesRead = 12;
const hitsShown = 24;
const hitsPerFile = 5;

/** Lists the lines where something stands: declarations first, then mentions. */
export async function find(run: AgentRun, input: FindInput): Promise<CitedText> {
  const { query, kinds } = input;
  const passages = await search(run, { query, limit: 24, ...(kinds ? { kinds } : {}) });
  const documents = await read(run, rangesOf(passages, filesRead));
  return renderHits(input, hitsIn(query, documents));
}

function hitsIn(query: string, documents: readonly DocumentRead[]): Hit[] {
  const wanted = new Set(stems(query));
  const names = new Set(queryTerms(query));
  const identifiers = identifiersIn(query);
  const hits = documents.flatMap(({ path, lines, startLine, kind }) =>
    lines.flatMap((line, index): Hit[] => {
      const own = new Set(queryTerms(searchWords(line)).map(stem));
      const matched = [...wanted].filter((word) => own.has(word)).length;
      if (matched === 0 || wanted.size === 0) return [];
      // Who names an identifier wants it, not lines that share a syllable with it.
      const lower = line.toLowerCase();
      if (identifiers.length > 0 && !identifiers.some((identifier) => lower.includes(identifier))) return [];
      const declaration = kind === 'CODE' ? declarationAt(lines, index) : undefined;
      const declares = declaration && declarationMatch(declaration.symbol, names, wanted);
      const hit = {
        path,
        line: startLine + index,
        text: line.trim(),
        score: matched / wanted.size + (declares ?? 0),
      };
      return [declares ? { ...hit, symbol: declaration.symbol } : hit];
    }),
  );
  const best = Math.max(0, ...hits.map(({ score }) => score));
  return hits
    .filter(({ score }) => score >= best * 0.45)
    .sort(
      (left, right) =>
        right.score - left.score ||
        (left.path < right.path ? -1 : left.path > right.path ? 1 : left.line - right.line),
    );
}

/** Words that only a program is written with: `startLoop`, `lease_owner`, `event-store.ts`. */
function identifiersIn(query: string): string[] {
  const found = query.match(/[\p{L}\p{N}$_]+(?:[._-][\p{L}\p{N}$_]+)*/gu) ?? [];
  return found.filter((word) => /_|\w\.\w|\p{Ll}\p{Lu}/u.test(word)).map((word) => word.toLowerCase());
}

function declarationMatch(
  symbol: string,
  names: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
): number | undefined {
  if (names.has(symbol.toLowerCase())) return 1;
  const own = stems(symbol);
  const matched = own.filter((word) => wanted.has(word)).length;
  return matched === 0 ? undefined : 0.5 * (matched / own.length);
}

function renderHits({ query, kinds }: FindInput, hits: readonly Hit[]): CitedText {
  if (hits.length === 0) {
    const where =
      kinds === undefined
        ? 'the indexed project'
        : kinds.includes('CODE')
          ? 'its code'
          : 'its documents and settings';
    return { text: `“${query.slice(0, 200)}” does not stand in ${where}.`, citations: [] };
  }
  const cited = createCitedText();
  const perFile = new Map<string, number>();
  const shown = hits
    .filter(({ path }) => {
      const count = (perFile.get(path) ?? 0) + 1;
      perFile.set(path, count);
      return count <= hitsPerFile;
    })
    .slice(0, hitsShown);
  const declared = shown.filter(({ symbol }) => symbol !== undefined);
  const mentioned = shown.filter(({ symbol }) => symbol === undefined);
  for (const [title, list] of [
    ['Declared in', declared],
    ['Mentioned in', mentioned],
  ] as const) {
    if (list.length === 0) continue;
    cited.line(`**${title}**`);
    cited.line();
    for (const { path, line, text } of list) {
      const code = quoteText(text).replaceAll('`', "'").slice(0, 160);
      cited.line(
        `- \`${path}:${line}\`: \`${code}\` ${cited.cite({ path, startLine: line, endLine: line, quote: text.slice(0, 400) })}`,
      );
    }
    cited.line();
  }
  if (hits.length > shown.length)
    cited.line(`${hits.length - shown.length} further lines match less well or stand in the same files.`);
  return cited.build();
}

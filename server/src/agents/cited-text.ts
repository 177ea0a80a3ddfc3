import type { Citation } from '../engines/task-execution/task-context.ts';
import type { Json } from '../lib/json.ts';

/** An answer, or a part of one: Markdown whose `[n]` are the markers of its citations. */
export interface CitedText {
  text: string;
  citations: Citation[];
}

export type Source = Omit<Citation, 'marker'>;

/** Builds cited text line by line; the same place gets the same marker. */
export interface CitedTextBuilder {
  /** The marker for a source, as `[n]`. */
  cite(source: Source): string;
  line(text?: string): void;
  build(): CitedText;
}

export function createCitedText(): CitedTextBuilder {
  const lines: string[] = [];
  const citations: Citation[] = [];
  const markers = new Map<string, number>();
  return {
    cite(source) {
      const key = sourceKey(source);
      let marker = markers.get(key);
      if (marker === undefined) {
        marker = citations.length + 1;
        markers.set(key, marker);
        citations.push({ marker, ...source });
      }
      return `[${marker}]`;
    },
    line: (text = '') => void lines.push(text),
    build: () => ({
      text: lines
        .join('\n')
        .replace(/\n{3,}/g, '\n\n')
        .trim(),
      citations,
    }),
  };
}

function sourceKey({ path, url, startLine, endLine, quote }: Source): string {
  return JSON.stringify([path ?? null, url ?? null, startLine ?? null, endLine ?? null, quote]);
}

/** `[3]` and `[3, 5]`, but not `[3](link)`. */
const markerPattern = /\[(\d{1,4}(?:\s*,\s*\d{1,4})*)\](?!\()/g;

/** Text of a source as it may stand in an answer: what looks like a marker in it is none of ours. */
export function quoteText(text: string): string {
  return text.replace(/\[(\d{1,4}(?:\s*,\s*\d{1,4})*)\]/g, '($1)');
}

/** Markers in the order they first appear. */
export function markersIn(text: string): number[] {
  const found = new Set<number>();
  for (const [, list] of text.matchAll(markerPattern))
    for (const number of list!.split(',')) found.add(Number(number));
  return [...found];
}

/** Rewrites each marker, given where it stands; `undefined` removes it, with the space before it. */
export function mapMarkers(
  text: string,
  map: (marker: number, offset: number) => number | undefined,
): string {
  return text.replace(
    new RegExp(`[ \\t]?${markerPattern.source}`, 'g'),
    (whole: string, list: string, offset: number) => {
      const kept = [...new Set(list.split(',').flatMap((number) => map(Number(number), offset) ?? []))];
      const space = /^\s/.test(whole) ? whole[0]! : '';
      return kept.length === 0 ? '' : space + kept.map((marker) => `[${marker}]`).join('');
    },
  );
}

/**
 * Joins parts into one text with one numbering: equal sources share a marker, numbers follow the order of the text.
 * A marker without a citation is removed.
 */
export function mergeCited(parts: readonly CitedText[]): { texts: string[]; citations: Citation[] } {
  const builder = createCitedText();
  const texts = parts.map(({ text, citations }) => {
    const own = new Map(citations.map((citation) => [citation.marker, citation]));
    return mapMarkers(text, (marker) => {
      const citation = own.get(marker);
      if (!citation) return undefined;
      const { marker: _, ...source } = citation;
      return Number(builder.cite(source).slice(1, -1));
    });
  });
  return { texts, citations: builder.build().citations };
}

/** Pieces to stream: sentence by sentence, line by line. Joined they are the text. */
export function streamPieces(text: string): string[] {
  return (
    text.match(/[^\n]*?(?:[.!?](?:\s?\[\d+\])*(?= |\n|$) ?|\n+|$)\n*/g)?.filter((piece) => piece !== '') ?? []
  );
}

/** Citations as plain JSON, for a step's output. */
export function citationsJson(citations: readonly Citation[]): Json {
  return citations.map((citation) => ({ ...citation }));
}

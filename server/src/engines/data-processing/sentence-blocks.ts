import { maxQuoteLength } from './source-unit.ts';

/** Part of a source line that belongs to a paragraph, without list markers and comment leaders. */
export interface BlockLine {
  /** Index into the file's (or passage's) lines. */
  index: number;
  /** Column in the raw line at which `text` begins. */
  column: number;
  text: string;
}

export interface Sentence {
  text: string;
  quote: string;
  /** Indexes into the lines. */
  startIndex: number;
  endIndex: number;
}

const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' });
/** The segmenter breaks after these; a person does not. */
const abbreviation = /\b(e\.g|i\.e|etc|cf|vs|approx|no|fig|dr|mr|ms|st|[A-Z])\.\s*$|:`[.~!]\s*$/i;

/** Sentences of one paragraph, each with its literal text in the source. */
export function blockSentences(block: readonly BlockLine[], lines: readonly string[]): Sentence[] {
  const starts: number[] = [];
  let joined = '';
  for (const line of block) {
    starts.push(joined.length);
    joined += `${line.text} `;
  }
  const place = (offset: number): { index: number; column: number } => {
    let at = starts.length - 1;
    while (at > 0 && starts[at]! > offset) at -= 1;
    const line = block[at]!;
    return { index: line.index, column: line.column + Math.min(offset - starts[at]!, line.text.length) };
  };
  return sentenceRanges(joined).map(([from, to]) => {
    const start = place(from);
    const end = place(to - 1);
    return {
      text: cleanInline(joined.slice(from, to)),
      ...literal(lines, start, { index: end.index, column: end.column + 1 }),
    };
  });
}

function sentenceRanges(text: string): [number, number][] {
  const ranges: [number, number][] = [];
  let from = 0;
  for (const { segment, index } of segmenter.segment(text)) {
    const to = index + segment.length;
    if (abbreviation.test(segment) && to < text.length) continue;
    const lead = text.slice(from, to).search(/\S/);
    if (lead >= 0) ranges.push([from + lead, from + text.slice(from, to).trimEnd().length]);
    from = to;
  }
  return ranges;
}

interface Place {
  index: number;
  column: number;
}

/** Raw text between two places; a long one ends at a line end (or is cut) so that it stays a literal part of its lines. */
function literal(lines: readonly string[], start: Place, end: Place): Omit<Sentence, 'text'> {
  let quote = '';
  let endIndex = start.index;
  for (let index = start.index; index <= end.index; index += 1) {
    const raw = lines[index]!;
    const part = raw.slice(
      index === start.index ? start.column : 0,
      index === end.index ? end.column : raw.length,
    );
    if (index > start.index && quote.length + part.length + 1 > maxQuoteLength) break;
    quote += index > start.index ? `\n${part}` : part;
    endIndex = index;
  }
  return { quote: quote.slice(0, maxQuoteLength).trimEnd(), startIndex: start.index, endIndex };
}

/** Markdown inline marks that only matter to a renderer. Code spans stay. */
export function cleanInline(text: string): string {
  return (
    text
      .replace(/!\[[^\]]*\]\([^)]*\)/g, '')
      .replace(/\[([^\]]+)\]\([^)]*\)/g, '$1')
      .replace(/\[([^\]]+)\]\[[^\]]*\]/g, '$1')
      .replace(/\[([^\]\d][^\]]*)\](?![[(:])/g, '$1')
      // reStructuredText: :class:`~flask.Flask`, ``code``, `link`_
      .replace(/:[a-z]+(?::[a-z]+)?:`[~!]?([^`<]+?)(?:\s*<[^`>]*>)?`/g, '`$1`')
      .replace(/``([^`]+)``/g, '`$1`')
      .replace(/`([^`<]+?)(?:\s*<[^`>]*>)?`__?/g, '$1')
      .replace(/\*\*|__(?=\S)|(?<=\S)__(?!\w)/g, '')
      .replace(/<[^<>]{1,200}>/g, (tag) => (/^<\/?[a-z][a-z0-9]*(\s[^>]*)?\/?>$/i.test(tag) ? '' : tag))
      .replace(/\s+/g, ' ')
      .trim()
  );
}

import { blockSentences, cleanInline, type BlockLine } from './sentence-blocks.ts';
import type { SourceUnit } from './source-unit.ts';

const heading = /^(#{1,6})\s+(.+?)\s*#*\s*$/;
const listItem = /^\s*(?:[-*+•]|\d{1,3}[.)])\s+(?:\[[ xX]\]\s+)?/;
const skippedLine = /^\s*(?:<!--|<\/?[a-z]|\[!\[|!\[|\[[^\]]+\]:\s|([-=_*~^"'+#:.])\1{2,}\s*$)/i;
const underline = /^([-=~^"'+#*])\1{2,}\s*$/;
const tableRow = /^\s*\|.*\|\s*$/;
const tableRule = /^\s*\|[\s:|-]+\|\s*$/;

/** Sentences of Markdown or plain text: paragraphs, list items and table rows; code blocks are left out. */
export function proseUnits(lines: readonly string[], firstLine: number): SourceUnit[] {
  const units: SourceUnit[] = [];
  const headings: string[] = [];
  let block: BlockLine[] = [];
  let fence: string | undefined;
  /** Inside a reStructuredText directive or a literal block after `::`: everything indented belongs to it. */
  let literal = false;
  const front = frontMatterEnd(lines, firstLine);
  const flush = () => {
    for (const sentence of blockSentences(block, lines)) {
      if (!isSentence(sentence.text)) continue;
      units.push({
        kind: 'PROSE',
        text: sentence.text,
        quote: sentence.quote,
        startLine: firstLine + sentence.startIndex,
        endLine: firstLine + sentence.endIndex,
        headings: headings.filter(Boolean),
      });
    }
    block = [];
  };
  lines.forEach((line, index) => {
    if (index <= front) return;
    if (literal && (line.trim() === '' || /^\s/.test(line))) return;
    literal = false;
    const mark = /^\s*(```+|~~~+)/.exec(line)?.[1];
    if (mark) {
      flush();
      fence = fence === undefined ? mark[0] : mark.startsWith(fence) ? undefined : fence;
      return;
    }
    if (fence !== undefined) return;
    const title = headingAt(lines, index);
    if (line.startsWith('.. ')) {
      flush();
      literal = true;
    } else if (title) {
      flush();
      headings.length = Math.min(headings.length, title.level - 1);
      while (headings.length < title.level - 1) headings.push('');
      headings.push(cleanInline(title.text));
    } else if (line.trim() === '' || skippedLine.test(line)) {
      flush();
    } else if (tableRow.test(line)) {
      flush();
      const row = tableUnit(lines, index, firstLine);
      if (row) units.push({ ...row, headings: headings.filter(Boolean) });
    } else {
      const marker = listItem.exec(line)?.[0] ?? /^\s*(?:>\s*)*/.exec(line)![0];
      if (listItem.test(line)) flush();
      const text = line.slice(marker.length).trimEnd();
      if (text !== '') block.push({ index, column: marker.length, text });
      if (text.endsWith('::')) literal = (lines[index + 1] ?? '').trim() === '';
    }
  });
  flush();
  return units;
}

/** `# Title`, or a line that is underlined as long as it is. */
function headingAt(lines: readonly string[], index: number): { level: number; text: string } | undefined {
  const line = lines[index]!;
  const match = heading.exec(line);
  if (match) return { level: match[1]!.length, text: match[2]! };
  const mark = underline.exec(lines[index + 1] ?? '');
  if (!mark || !/^\S/.test(line) || skippedLine.test(line) || mark[0].trim().length < line.trim().length)
    return undefined;
  return { level: mark[1] === '=' ? 1 : mark[1] === '-' ? 2 : 3, text: line.trim() };
}

/** Last line of the block of settings that some Markdown files begin with; -1 without one. */
function frontMatterEnd(lines: readonly string[], firstLine: number): number {
  if (firstLine !== 1 || lines[0] !== '---') return -1;
  return lines.indexOf('---', 1);
}

function tableUnit(lines: readonly string[], index: number, firstLine: number): SourceUnit | undefined {
  const line = lines[index]!;
  const isHeader = tableRule.test(lines[index + 1] ?? '');
  if (tableRule.test(line) || isHeader) return undefined;
  const cells = line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map(cleanInline)
    .filter(Boolean);
  // A row of measurements is no sentence.
  if (cells.length < 2 || cells.filter((cell) => !/\p{L}{3}/u.test(cell)).length * 2 >= cells.length)
    return undefined;
  const [first, ...rest] = cells;
  const text = `${first!}: ${rest.join('; ')}`;
  if (!isSentence(text)) return undefined;
  return {
    kind: 'PROSE',
    text,
    quote: line.trim().slice(0, 400),
    startLine: firstLine + index,
    endLine: firstLine + index,
  };
}

/** Templates, and statements of a programming language that stand in a document without a fence. */
const codeLike =
  /\{[{%]|[;{}]$|^(?:def|class|return|import|from|with|const|let|var|function|if|for|while|public|void)\b.*[(:={]|^>>>|^\$ |\w = \w+[(["'{]|\w\(\)?.*\):?$|=>/;

/** At least three words, mostly letters: not a badge row, a separator or a lone path. */
export function isSentence(text: string): boolean {
  const words = text.match(/\p{L}[\p{L}\p{N}'’-]*/gu) ?? [];
  if (words.length < 3 || text.length > 1_500 || codeLike.test(text)) return false;
  return words.join('').length >= text.replace(/\s/g, '').length * 0.5;
}

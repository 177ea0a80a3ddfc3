import { declarationAt } from './code-declarations.ts';
import { blockSentences, type BlockLine, type Sentence } from './sentence-blocks.ts';
import { isSentence } from './prose-units.ts';
import type { SourceUnit } from './source-unit.ts';

/** What a comment inside a type or class stands above: `name(`, `name:`, `name?:`, `#name =`. */
const memberName =
  /^\s*(?:(?:public|private|protected|readonly|static|async|override|get|set|pub|val|var|let)\s+)*#?([A-Za-z_$][\w$]*)\??\s*(?:[(:<]|=[^=>])/;
const keywords = new Set([
  'if',
  'for',
  'while',
  'switch',
  'return',
  'case',
  'default',
  'await',
  'throw',
  'else',
  'catch',
  'const',
  'new',
  'with',
  'function',
  'expect',
  'it',
  'describe',
  'test',
]);

/** Examples and directives inside a docstring. */
const markup = /\.\. \w+|::|>>>|^:\w+/;

interface Comment {
  /** Indexes into the lines, inclusive. */
  start: number;
  end: number;
  block: BlockLine[];
}

const lineComment = /^\s*(?:\/\/+!?|#+(?![!\w[])|--+(?!\w)|;;+|%+)\s?/;
const noise =
  /copyright|spdx-|licen[sc]ed? under|eslint|prettier|oxlint|ts-expect|ts-ignore|@ts-|istanbul|c8 ignore|pragma|noqa|type: ignore|^[-=*#/\s]*$/i;

/** Documented and exported declarations, and the sentences of comments, of any language that looks like the usual ones. */
export function codeUnits(lines: readonly string[], firstLine: number): SourceUnit[] {
  const units: SourceUnit[] = [];
  const comments = findComments(lines);
  const byEnd = new Map(comments.map((comment) => [comment.end, comment]));
  const byStart = new Map(comments.map((comment) => [comment.start, comment]));
  const used = new Set<Comment>();
  const inComment = new Set(comments.flatMap(({ start, end }) => range(start, end)));
  lines.forEach((line, index) => {
    if (inComment.has(index)) return;
    const declaration = declarationAt(lines, index);
    if (!declaration) return;
    const doc = docAbove(lines, index, byEnd) ?? docstringBelow(lines, index, byStart);
    const sentence = doc && !used.has(doc) ? docSentences(doc, lines)[0] : undefined;
    if (doc && sentence) used.add(doc);
    if (!sentence && !declaration.exported && line.startsWith(' ')) return;
    const unit = {
      kind: 'DECLARATION' as const,
      symbol: declaration.symbol,
      signature: declaration.signature,
      exported: declaration.exported,
    };
    if (sentence) units.push({ ...unit, ...placed(sentence, firstLine, index) });
    else {
      const at = firstLine + index;
      units.push({ ...unit, text: '', quote: line.trim().slice(0, 400), startLine: at, endLine: at });
    }
    if (doc && sentence)
      units.push(...commentUnits(docSentences(doc, lines).slice(1, 4), firstLine, declaration.symbol));
  });
  const firstCode = lines.findIndex(
    (line, index) => !inComment.has(index) && line.trim() !== '' && !line.startsWith('#!'),
  );
  for (const comment of comments) {
    if (used.has(comment)) continue;
    const top = firstLine === 1 && (firstCode < 0 || comment.end < firstCode);
    const member = top ? undefined : memberName.exec(lines[comment.end + 1] ?? '')?.[1];
    const symbol = member !== undefined && !keywords.has(member) ? member : undefined;
    const found = commentUnits(docSentences(comment, lines).slice(0, 4), firstLine, symbol);
    units.push(...found.map((unit, index) => (top && index === 0 ? { ...unit, top: true } : unit)));
  }
  return units.sort((left, right) => left.startLine - right.startLine);
}

function commentUnits(sentences: readonly Sentence[], firstLine: number, symbol?: string): SourceUnit[] {
  return sentences.map((sentence) => ({
    kind: 'COMMENT',
    ...placed(sentence, firstLine),
    ...(symbol ? { symbol } : {}),
  }));
}

function placed(sentence: Sentence, firstLine: number, through = sentence.endIndex) {
  return {
    text: sentence.text,
    quote: sentence.quote,
    startLine: firstLine + Math.min(sentence.startIndex, through),
    endLine: firstLine + Math.max(through, sentence.endIndex),
  };
}

function docSentences(comment: Comment, lines: readonly string[]): Sentence[] {
  return blockSentences(comment.block, lines).filter(
    ({ text }) => isSentence(text) && !noise.test(text) && !markup.test(text),
  );
}

/** The comment that ends right above a declaration; decorators and attributes may stand between. */
function docAbove(lines: readonly string[], index: number, byEnd: Map<number, Comment>): Comment | undefined {
  let above = index - 1;
  while (above >= 0 && /^\s*(?:@\w|#\[|\[\w)/.test(lines[above]!)) above -= 1;
  return byEnd.get(above);
}

/** A Python docstring, or a C-style comment that opens a body. */
function docstringBelow(
  lines: readonly string[],
  index: number,
  byStart: Map<number, Comment>,
): Comment | undefined {
  for (let below = index + 1; below <= index + 6 && below < lines.length; below += 1) {
    const comment = byStart.get(below);
    if (comment && /^\s*[rbu]?(?:"""|''')/.test(lines[below]!)) return comment;
    if (/[:{]\s*$/.test(lines[below - 1]!)) return undefined;
  }
  return undefined;
}

function findComments(lines: readonly string[]): Comment[] {
  const comments: Comment[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index]!;
    const opening = /^\s*(\/\*+!?|"""|'''|[rbu]"""|\{-|<!--)/.exec(line);
    if (opening) {
      const comment = readBlock(lines, index, opening[1]!);
      comments.push(comment);
      index = comment.end;
    } else if (lineComment.test(line)) {
      let end = index;
      while (end + 1 < lines.length && lineComment.test(lines[end + 1]!)) end += 1;
      comments.push({
        start: index,
        end,
        block: range(index, end).flatMap((at) => stripped(lines, at, lineComment)),
      });
      index = end;
    } else {
      index = stringEnd(lines, index);
    }
  }
  return comments;
}

/** Last line of a triple-quoted string that opens on this line and is no docstring; the line itself without one. */
function stringEnd(lines: readonly string[], index: number): number {
  const quote = /"""|'''/.exec(lines[index]!)?.[0];
  if (!quote || lines[index]!.split(quote).length % 2 === 1) return index;
  for (let end = index + 1; end < lines.length; end += 1) if (lines[end]!.includes(quote)) return end;
  return index;
}

function readBlock(lines: readonly string[], start: number, opening: string): Comment {
  const closing = opening.startsWith('/*')
    ? '*/'
    : opening === '{-'
      ? '-}'
      : opening === '<!--'
        ? '-->'
        : opening.slice(-3);
  const block: BlockLine[] = [];
  let described = true;
  let end = start;
  for (let index = start; index < lines.length && index < start + 200; index += 1) {
    const raw = lines[index]!;
    const from = index === start ? raw.indexOf(opening) + opening.length : 0;
    const close = raw.indexOf(closing, from);
    const body = raw.slice(0, close < 0 ? raw.length : close);
    const leader =
      index === start
        ? from + /^\s*/.exec(body.slice(from))![0].length
        : /^\s*(?:\*(?!\*)\s?)?\s*/.exec(body)![0].length;
    const text = body
      .slice(leader)
      .replace(/\s@(?:param|returns?|throws|see|example|deprecated|default)\b.*$/, '')
      .trimEnd();
    // From the first tag on it is about parameters, not about what the thing does.
    if (/^(?:@\w|:param|Args:|Parameters\b|Returns:)/.test(text)) described = false;
    if (described && text !== '') block.push({ index, column: leader, text });
    end = index;
    if (close >= 0) break;
  }
  return { start, end, block };
}

function stripped(lines: readonly string[], index: number, leader: RegExp): BlockLine[] {
  const raw = lines[index]!;
  const column = leader.exec(raw)?.[0].length ?? 0;
  const text = raw.slice(column).trimEnd();
  return text === '' ? [] : [{ index, column, text }];
}

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from + 1 }, (_, offset) => from + offset);
}

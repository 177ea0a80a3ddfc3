import { declarationAt } from './code-declarations.ts';
import { cleanInline } from './sentence-blocks.ts';
import type { FileKind } from './languages.ts';

/** A part of a file that is found and cited as one. */
export interface Chunk {
  /** Headings of a prose section, or names declared in a code block. */
  title: string;
  /** From 1, inclusive; chunks of a file neither overlap nor leave a non-blank line out. */
  startLine: number;
  endLine: number;
  content: string;
}

const targetLines = 40;
const maxLines = 80;
/** Longer content is cut: it is one monstrous line (data, not text), and 8 KB of it is enough to find it. */
const maxChunkChars = 8_000;

/** Cuts a file at its own seams: Markdown headings, top-level declarations, blank lines. */
export function chunkDocument(lines: readonly string[], kind: FileKind): Chunk[] {
  const cuts = kind === 'PROSE' ? proseCuts(lines) : codeCuts(lines, kind);
  const chunks: Chunk[] = [];
  const headings: string[] = [];
  cuts.forEach((start, position) => {
    const end = cuts[position + 1] ?? lines.length;
    const part = lines.slice(start, end);
    let first = 0;
    let last = part.length - 1;
    while (first <= last && part[first]!.trim() === '') first += 1;
    while (last > first && part[last]!.trim() === '') last -= 1;
    if (first > last) return;
    const body = part.slice(first, last + 1);
    const title = kind === 'PROSE' ? proseTitle(body, headings) : kind === 'CODE' ? codeTitle(body) : '';
    chunks.push({
      title,
      startLine: start + first + 1,
      endLine: start + last + 1,
      content: body.join('\n').slice(0, maxChunkChars),
    });
  });
  return chunks;
}

function proseCuts(lines: readonly string[]): number[] {
  const cuts = [0];
  let fence = false;
  let chars = 0;
  lines.forEach((line, index) => {
    if (/^\s*(```|~~~)/.test(line)) fence = !fence;
    chars += line.length + 1;
    const since = index - cuts.at(-1)!;
    const isHeading = !fence && /^#{1,6}\s/.test(line);
    const isSeam = !fence && line.trim() === '' && (since >= targetLines || chars > maxChunkChars / 2);
    if (index > 0 && since > 0 && (isHeading || isSeam || since >= maxLines || chars > maxChunkChars)) {
      cuts.push(index);
      chars = line.length + 1;
    }
  });
  return cuts;
}

function codeCuts(lines: readonly string[], kind: FileKind): number[] {
  const cuts = [0];
  let chars = 0;
  /** Newest line at which a chunk could end well. */
  let seam = 0;
  /** What closes the comment or string this line is inside of: a part must not begin in the middle of one. */
  let closing: string | undefined;
  lines.forEach((line, index) => {
    chars += line.length + 1;
    const start = cuts.at(-1)!;
    const inside = closing !== undefined;
    closing = closingAfter(line, closing);
    if (inside && index - start < maxLines * 3 && chars <= maxChunkChars) return;
    const startsBlock = index > start && (lines[index - 1] ?? '').trim() === '' && /^\S/.test(line);
    if (startsBlock && kind === 'CODE') seam = index;
    else if (startsBlock || (index > start && line.trim() === '' && index - start >= targetLines))
      seam = index;
    const since = index - start;
    let cut = -1;
    if (seam === index && seam > start && since >= targetLines) cut = seam;
    else if (since >= maxLines || chars > maxChunkChars) cut = seam > start + 10 ? seam : index;
    if (cut > start) {
      cuts.push(cut);
      chars = 0;
      for (let at = cut; at <= index; at += 1) chars += lines[at]!.length + 1;
    }
  });
  return cuts;
}

/** Follows block comments and triple-quoted strings from line to line. */
function closingAfter(line: string, closing: string | undefined): string | undefined {
  let open = closing;
  let from = 0;
  for (;;) {
    if (open !== undefined) {
      const end = line.indexOf(open, from);
      if (end < 0) return open;
      from = end + open.length;
      open = undefined;
    } else {
      const match = /"""|'''|^\s*\/\*/.exec(line.slice(from));
      if (!match) return undefined;
      from += match.index + match[0].length;
      open = match[0].trimStart() === '/*' ? '*/' : match[0];
    }
  }
}

function proseTitle(body: readonly string[], headings: string[]): string {
  const match = /^(#{1,6})\s+(.+?)\s*#*\s*$/.exec(body[0] ?? '');
  if (match) {
    headings.length = Math.min(headings.length, match[1]!.length - 1);
    while (headings.length < match[1]!.length - 1) headings.push('');
    headings.push(cleanInline(match[2]!));
  }
  return headings.filter(Boolean).join(' › ').slice(0, 300);
}

function codeTitle(body: readonly string[]): string {
  const symbols = body.flatMap((_, index) => declarationAt(body, index)?.symbol ?? []);
  return [...new Set(symbols)].slice(0, 20).join(' ');
}

import type { FileKind } from './languages.ts';
import { codeUnits } from './code-units.ts';
import { proseUnits } from './prose-units.ts';

/** The smallest thing an extractive answer can cite: one sentence or one declaration, with where it stands. */
export interface SourceUnit {
  kind: 'PROSE' | 'COMMENT' | 'DECLARATION';
  /** Cleaned for reading; for a documented declaration its first sentence. Empty for a declaration without one. */
  text: string;
  /** Literal text of lines `startLine` to `endLine` (joined with `\n`), at most 400 characters. */
  quote: string;
  /** From 1, inclusive. */
  startLine: number;
  endLine: number;
  /** Of a declaration. */
  symbol?: string;
  signature?: string;
  exported?: boolean;
  /** Headings above a sentence, outermost first. */
  headings?: string[];
  /** Comment at the very top of a file, about the whole of it. */
  top?: boolean;
}

export const maxQuoteLength = 400;

/** Lines as editors and citations count them. */
export function splitLines(text: string): string[] {
  return text.split(/\r\n|\n|\r/);
}

/**
 * Sentences and declarations of a file or of a part of it.
 * @param firstLine number of `lines[0]` in the file, from 1
 */
export function sourceUnits(kind: FileKind, lines: readonly string[], firstLine: number): SourceUnit[] {
  if (kind === 'PROSE') return proseUnits(lines, firstLine);
  if (kind === 'CODE') return codeUnits(lines, firstLine);
  return [];
}

import { z } from 'zod';
import { splitLines } from '../engines/data-processing/source-unit.ts';
import { DomainError } from '../lib/errors.ts';
import { readProjectFile } from './document-read.ts';
import { defineTool } from './tool.ts';

const input = z.object({
  citations: z
    .array(
      z.object({
        marker: z.int().min(0),
        path: z.string().min(1).max(1_000),
        startLine: z.int().min(1),
        endLine: z.int().min(1),
        quote: z.string().max(2_000),
      }),
    )
    .max(500),
});

export const citationCheckOutput = z.object({
  results: z.array(
    z.discriminatedUnion('found', [
      z.object({ marker: z.int(), found: z.literal(true), startLine: z.int(), endLine: z.int() }),
      z.object({ marker: z.int(), found: z.literal(false), reason: z.string() }),
    ]),
  ),
});
export type CitationCheck = z.infer<typeof citationCheckOutput>;
type CheckResult = CitationCheck['results'][number];

export const citationCheck = defineTool<z.infer<typeof input>, CitationCheck>({
  name: 'citation.check',
  description:
    'Looks up quotes in the files of the project: at the lines given, elsewhere in the file, or nowhere.',
  input,
  output: citationCheckOutput,
  idempotent: true,
  risk: 'LOW',
  maxOutputChars: 200_000,
  async run({ citations }, context) {
    const files = new Map<string, string[] | string>();
    const results: CheckResult[] = [];
    for (const citation of citations) {
      let lines = files.get(citation.path);
      if (lines === undefined) {
        lines = await linesOf(citation.path, context);
        files.set(citation.path, lines);
      }
      results.push({ marker: citation.marker, ...locate(lines, citation) });
    }
    return { results };
  },
});

/** The file's lines, or why there are none. */
async function linesOf(
  path: string,
  context: Parameters<typeof readProjectFile>[1],
): Promise<string[] | string> {
  try {
    return splitLines((await readProjectFile(path, context)).text);
  } catch (error) {
    if (error instanceof DomainError) return error.message;
    throw error;
  }
}

type Located = { found: true; startLine: number; endLine: number } | { found: false; reason: string };

export function locate(
  lines: readonly string[] | string,
  citation: { startLine: number; endLine: number; quote: string },
): Located {
  if (typeof lines === 'string') return { found: false, reason: lines };
  const { startLine, endLine, quote } = citation;
  if (quote.trim() === '') return { found: false, reason: 'the quote is empty' };
  if (
    lines
      .slice(startLine - 1, endLine)
      .join('\n')
      .includes(quote)
  )
    return { found: true, startLine, endLine };
  const text = lines.join('\n');
  const at = text.indexOf(quote);
  if (at < 0) return { found: false, reason: 'the quote is not in the file' };
  const first = text.slice(0, at).split('\n').length;
  return { found: true, startLine: first, endLine: first + quote.split('\n').length - 1 };
}

import type { Citation } from '../engines/task-execution/task-context.ts';
import { hashJson } from '../lib/json.ts';
import { citationCheckOutput, type CitationCheck } from '../tools/citation-check.ts';
import { needTool, type AgentRun } from './agent-run.ts';
import { citationsJson, mapMarkers, mergeCited, type CitedText } from './cited-text.ts';

/** Citations checked in one step. */
const checkBatch = 300;

export interface Reviewed extends CitedText {
  /** How many citations were checked against the files, and what became of them. */
  checkedCount: number;
  movedCount: number;
  dropped: { citation: Citation; reason: string }[];
}

/**
 * Looks up each quote in its file: right lines, it stays; elsewhere in the file, its lines are corrected; nowhere, its marker
 * goes and the reader is told.
 */
export async function review(run: AgentRun): Promise<Reviewed> {
  const parts = run.dependencies.filter(({ text }) => text.trim() !== '');
  const { texts, citations } = mergeCited(parts);
  const text =
    texts.length === 1
      ? texts[0]!
      : texts.map((part, index) => `## ${parts[index]!.title}\n\n${part}`).join('\n\n');
  const inFiles = citations.filter(({ path }) => path !== undefined);
  const results: CitationCheck['results'] = [];
  for (let from = 0; from < inFiles.length; from += checkBatch) {
    results.push(...(await check(run, inFiles.slice(from, from + checkBatch))));
  }
  return applyCheck({ text, citations }, { results });
}

async function check(run: AgentRun, citations: readonly Citation[]): Promise<CitationCheck['results']> {
  // Without lines it can still be found anywhere in the file, which then gives it some.
  const complete = citations.map((citation) => {
    const startLine = citation.startLine ?? 1;
    return { ...citation, startLine, endLine: citation.endLine ?? startLine };
  });
  const input = { citations: citationsJson(complete) };
  const paths = [...new Set(citations.map(({ path }) => path!))];
  const recorded = { citationCount: citations.length, paths, inputHash: hashJson(input) };
  return (await needTool(run, 'citation.check', input, citationCheckOutput, recorded)).results;
}

export function applyCheck({ text, citations }: CitedText, check: CitationCheck): Reviewed {
  const results = new Map(check.results.map((result) => [result.marker, result]));
  const dropped: Reviewed['dropped'] = [];
  let movedCount = 0;
  const kept = citations.flatMap((citation): Citation[] => {
    const result = results.get(citation.marker);
    // Web sources are not fetched again: the page may answer differently by now.
    if (!result) return [citation];
    if (!result.found) {
      dropped.push({ citation, reason: result.reason });
      return [];
    }
    const { startLine, endLine } = result;
    if (startLine === citation.startLine && endLine === citation.endLine) return [citation];
    movedCount += 1;
    return [{ ...citation, startLine, endLine }];
  });
  const valid = new Set(kept.map(({ marker }) => marker));
  const merged = mergeCited([
    { text: mapMarkers(text, (marker) => (valid.has(marker) ? marker : undefined)), citations: kept },
  ]);
  return {
    text: merged.texts[0]!,
    citations: merged.citations,
    checkedCount: check.results.length,
    movedCount,
    dropped,
  };
}

/** What a person reads about the check, below the answer. */
export function reviewNote({ checkedCount, movedCount, dropped }: Reviewed): string {
  if (checkedCount === 0) return '_The answer cites no file, so there was nothing to check._';
  const kept = checkedCount - dropped.length;
  const moved = movedCount === 0 ? '' : ` The lines of ${movedCount} were corrected.`;
  const lost = dropped
    .slice(0, 5)
    .map(
      ({ citation, reason }) =>
        ` Dropped: \`${citation.path ?? ''}\` line ${citation.startLine ?? '?'} (${reason}).`,
    )
    .join('');
  return `_Checked: ${kept} of ${checkedCount} quotes stand in the files at the lines given.${moved}${lost}_`;
}

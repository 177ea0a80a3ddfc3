import type { DependencyOutput } from './agent-run.ts';
import { createCitedText, mergeCited, type CitedText } from './cited-text.ts';

export interface ComposeInput {
  style: 'sections' | 'compare';
}

/** One answer from what the tasks before found: a heading a task, one numbering of citations. */
export function compose(dependencies: readonly DependencyOutput[], input: ComposeInput): CitedText {
  const parts = dependencies.filter(({ text }) => text.trim() !== '');
  if (parts.length === 0)
    return { text: 'The tasks before this one produced no text to compose.', citations: [] };
  const { texts, citations } = mergeCited(parts);
  const sections = texts.map((text, index) =>
    parts.length === 1 ? text : `## ${parts[index]!.title}\n\n${text}`,
  );
  if (input.style !== 'compare' || parts.length < 2) return { text: sections.join('\n\n'), citations };
  const overlap = compareSources(parts);
  const merged = mergeCited([{ text: sections.join('\n\n'), citations }, overlap]);
  return { text: merged.texts.join('\n\n'), citations: merged.citations };
}

/** Which files both sides rest on and which only one does: a comparison that can be read off the citations. */
function compareSources(parts: readonly DependencyOutput[]): CitedText {
  const cited = createCitedText();
  const [left, right] = parts;
  const files = (part: DependencyOutput) =>
    new Map(part.citations.flatMap((citation) => (citation.path ? [[citation.path, citation]] : [])));
  const leftFiles = files(left!);
  const rightFiles = files(right!);
  const both = [...leftFiles.keys()].filter((path) => rightFiles.has(path));
  const list = (paths: readonly string[], from: ReturnType<typeof files>) =>
    paths.length === 0
      ? 'none'
      : paths
          .slice(0, 12)
          .map((path) => {
            const { marker: _, ...source } = from.get(path)!;
            return `\`${path}\` ${cited.cite(source)}`;
          })
          .join(', ');
  cited.line('## Where they meet and part');
  cited.line();
  cited.line(`- Sources of both: ${list(both, leftFiles)}`);
  cited.line(
    `- Only for “${left!.title}”: ${list(
      [...leftFiles.keys()].filter((path) => !rightFiles.has(path)),
      leftFiles,
    )}`,
  );
  cited.line(
    `- Only for “${right!.title}”: ${list(
      [...rightFiles.keys()].filter((path) => !leftFiles.has(path)),
      rightFiles,
    )}`,
  );
  return cited.build();
}

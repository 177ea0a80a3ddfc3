import { z } from 'zod';
import { DomainError } from '../lib/errors.ts';
import { listMatchingLines } from '../stores/project-index-store.ts';
import type { SqlOfWorkspace } from '../stores/tenancy.ts';
import { defineTool, type Tool } from './tool.ts';

/** What each kind of mark looks like, as a POSIX expression. */
const patterns = {
  /** Work that was left for later. */
  TODO: '(^|[^[:alnum:]_])(TODO|FIXME|XXX|HACK)([^[:alnum:]_]|$)',
  /** Questions that people wrote down. */
  QUESTION: '^[^`]*[[:alpha:]]{3,}[^`"\'=]*[[:alpha:]]\\?([[:space:]]|[)*]|$)',
} as const;

const input = z.object({ mark: z.enum(['TODO', 'QUESTION']), limit: z.int().min(1).max(200).default(60) });

export const projectMarksOutput = z.object({
  mark: z.string(),
  lines: z.array(z.object({ path: z.string(), kind: z.string(), line: z.int(), text: z.string() })),
});
type ProjectMarks = z.infer<typeof projectMarksOutput>;

export function createProjectMarks(sqlOf: SqlOfWorkspace): Tool {
  return defineTool<z.infer<typeof input>, ProjectMarks>({
    name: 'project.marks',
    description:
      'Lines with open ends: TODO, FIXME and the like, or questions that somebody wrote into a document or comment.',
    input,
    output: projectMarksOutput,
    idempotent: true,
    risk: 'LOW',
    maxOutputChars: 200_000,
    async run({ mark, limit }, context) {
      if (!context.project)
        throw new DomainError(
          'VALIDATION',
          'No project is attached to this task, so there is nothing to search.',
        );
      const scope = { workspaceId: context.workspaceId, projectId: context.project.id };
      const lines = await listMatchingLines(sqlOf(scope.workspaceId), scope, patterns[mark], limit);
      return { mark, lines: lines.map((line) => ({ ...line, text: line.text.slice(0, 500) })) };
    },
  });
}

import { z } from 'zod';
import { buildOutline } from '../engines/data-processing/project-outline.ts';
import { DomainError } from '../lib/errors.ts';
import { listOutlineRows } from '../stores/project-index-store.ts';
import type { SqlOfWorkspace } from '../stores/tenancy.ts';
import { defineTool, type Tool } from './tool.ts';

const source = z.object({
  path: z.string(),
  text: z.string(),
  quote: z.string(),
  startLine: z.int(),
  endLine: z.int(),
});
const folder = z.object({
  /** Relative to the root; empty for the root itself. */
  path: z.string(),
  depth: z.int(),
  fileCount: z.int(),
  lineCount: z.int(),
  languages: z.array(z.object({ language: z.string(), fileCount: z.int() })),
  /** What a file in it says about it, best first. */
  sources: z.array(source),
});

export const projectOutlineOutput = z.object({
  fileCount: z.int(),
  lineCount: z.int(),
  languages: z.array(z.object({ language: z.string(), fileCount: z.int() })),
  /** About the project as a whole. */
  sources: z.array(source),
  folders: z.array(folder),
});
export type ProjectOutline = z.infer<typeof projectOutlineOutput>;
export type OutlineSource = z.infer<typeof source>;

const input = z.object({
  folder: z.string().max(1_000).optional().describe('only below this folder'),
  maxFolders: z.int().min(1).max(80).default(40),
});

export function createProjectOutline(sqlOf: SqlOfWorkspace): Tool {
  return defineTool<z.infer<typeof input>, ProjectOutline>({
    name: 'project.outline',
    description:
      'The folders of the project with file counts, languages and what their files say about themselves.',
    input,
    output: projectOutlineOutput,
    idempotent: true,
    risk: 'LOW',
    maxOutputChars: 200_000,
    async run({ folder: below, maxFolders }, context) {
      if (!context.project)
        throw new DomainError('VALIDATION', 'No project is attached to this task, so there is no outline.');
      const scope = { workspaceId: context.workspaceId, projectId: context.project.id };
      const rows = await listOutlineRows(
        sqlOf(scope.workspaceId),
        scope,
        below?.replace(/^\.?\/+|\/+$/g, '') || null,
      );
      return buildOutline(rows, maxFolders);
    },
  });
}

import { z } from 'zod';
import { queryTerms, termParts } from '../engines/data-processing/search-words.ts';
import { DomainError } from '../lib/errors.ts';
import { searchChunks, type ChunkHit } from '../stores/project-index-store.ts';
import type { Sql } from '../stores/sql.ts';
import { defineTool, type Tool } from './tool.ts';

const input = z.object({
  query: z.string().trim().min(1).max(20_000).describe('words, "exact phrases", or, -without'),
  folder: z.string().max(1_000).optional().describe('only below this folder'),
  kinds: z
    .array(z.enum(['CODE', 'PROSE', 'CONFIG']))
    .min(1)
    .optional()
    .describe('only these kinds of file'),
  limit: z.int().min(1).max(50).default(10),
});

export const projectSearchOutput = z.object({
  query: z.string(),
  passages: z.array(
    z.object({
      path: z.string(),
      language: z.string(),
      kind: z.enum(['CODE', 'PROSE', 'CONFIG']),
      title: z.string(),
      startLine: z.int(),
      endLine: z.int(),
      content: z.string(),
      score: z.number(),
    }),
  ),
});
export type ProjectSearch = z.infer<typeof projectSearchOutput>;

/** Most parts of one file in an answer: the fourth of them says less than the first of another. */
const maxPerFile = 3;

export function createProjectSearch(sql: Sql): Tool {
  return defineTool<z.infer<typeof input>, ProjectSearch>({
    name: 'project.search',
    description:
      'Full-text search over the files of the project; finds identifiers by their parts. Returns passages with lines.',
    input,
    output: projectSearchOutput,
    idempotent: true,
    risk: 'LOW',
    maxOutputChars: 600_000,
    async run({ query, folder, kinds, limit }, context) {
      if (!context.project)
        throw new DomainError(
          'VALIDATION',
          'No project is attached to this task, so there is nothing to search.',
        );
      const scope = { workspaceId: context.workspaceId, projectId: context.project.id };
      const hits = await searchChunks(sql, scope, {
        text: hasOperators(query) ? query : queryTerms(query).join(' '),
        anyOf: termParts(query),
        limit: Math.min(limit * 4, 120),
        folder: folder?.replace(/^\.?\/+|\/+$/g, '') || undefined,
        kinds,
      });
      return {
        query,
        passages: bestOf(wantsLegal(query) ? hits : hits.filter(({ path }) => !isLegal(path)), limit),
      };
    },
  });
}

function bestOf(hits: readonly ChunkHit[], limit: number): ProjectSearch['passages'] {
  const perFile = new Map<string, number>();
  return hits
    .map((hit) => ({ hit, score: hit.rank * pathWeight(hit.path) }))
    .sort((left, right) => right.score - left.score)
    .filter(({ hit }) => {
      const count = (perFile.get(hit.path) ?? 0) + 1;
      perFile.set(hit.path, count);
      return count <= maxPerFile;
    })
    .slice(0, limit)
    .map(({ hit, score }) => {
      const { path, language, title, startLine, endLine, content } = hit;
      const kind = hit.kind === 'CODE' || hit.kind === 'PROSE' ? hit.kind : 'CONFIG';
      return {
        path,
        language,
        kind,
        title,
        startLine,
        endLine,
        content,
        score: Math.round(score * 10_000) / 10_000,
      };
    });
}

/** Tests repeat the words of what they test without being the answer; examples and generated code likewise. */
export function pathWeight(path: string): number {
  if (
    /(^|[/._-])(tests?|specs?|__tests__|fixtures?|testdata|mocks?|e2e|bench(marks?)?)([/._-]|$)/i.test(path)
  )
    return 0.45;
  if (/(^|\/)(vendor|third[_-]?party|generated|examples?|dist)\//i.test(path) || path.endsWith('.d.ts'))
    return 0.5;
  if (/(^|\/)(changelog|changes|history|authors|code_of_conduct)[^/]*$/i.test(path)) return 0.4;
  return 1;
}

/** Licences hold every common word and answer no question but one about themselves. */
function isLegal(path: string): boolean {
  return /(^|\/)(licen[cs]es?|copying|notice|patents)([.-][^/]*)?$/i.test(path);
}

function wantsLegal(query: string): boolean {
  return /licen[cs]|copyright|legal|warranty/i.test(query);
}

function hasOperators(query: string): boolean {
  return /"[^"]+"|(^|\s)-\w|\bOR\b/.test(query);
}

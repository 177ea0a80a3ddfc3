import type { Sql } from '../stores/sql.ts';
import { citationCheck } from './citation-check.ts';
import { documentRead } from './document-read.ts';
import { createHttpFetch, type HttpFetchOptions } from './http-fetch.ts';
import { createProjectMarks } from './project-marks.ts';
import { createProjectOutline } from './project-outline.ts';
import { createProjectSearch } from './project-search.ts';
import { summarise } from './summarise.ts';
import { createToolRegistry, type ToolRegistry } from './tool.ts';

/** Every tool that ships with the hive. */
export function createBuiltInTools(deps: { sql: Sql; httpFetch?: HttpFetchOptions }): ToolRegistry {
  const { sql } = deps;
  return createToolRegistry([
    createProjectSearch(sql),
    createProjectOutline(sql),
    createProjectMarks(sql),
    documentRead,
    summarise,
    citationCheck,
    createHttpFetch(deps.httpFetch),
  ]);
}

import type { Sql } from '../stores/sql.ts';
import type { SqlOfWorkspace } from '../stores/tenancy.ts';
import { citationCheck } from './citation-check.ts';
import { documentRead } from './document-read.ts';
import { createHttpFetch, type HttpFetchOptions } from './http-fetch.ts';
import { createProjectMarks } from './project-marks.ts';
import { createProjectOutline } from './project-outline.ts';
import { createProjectSearch } from './project-search.ts';
import { summarise } from './summarise.ts';
import { createToolRegistry, type ToolRegistry } from './tool.ts';

export interface BuiltInToolDeps {
  /** With the rights of the hive; only for what says why. */
  systemSql: Sql;
  sqlOf: SqlOfWorkspace;
  httpFetch?: HttpFetchOptions;
}

/** Every tool that ships with the hive. */
export function createBuiltInTools(deps: BuiltInToolDeps): ToolRegistry {
  return createToolRegistry([
    // Row-level security looks at whose row it is before it lets `@@` see it, as that function could tell of what it saw. The
    // full-text index would be of no use then: 53 ms instead of 6 ms over 20,000 chunks. The statement names the workspace and
    // project itself.
    createProjectSearch(deps.systemSql),
    createProjectOutline(deps.sqlOf),
    createProjectMarks(deps.sqlOf),
    documentRead,
    summarise,
    citationCheck,
    createHttpFetch(deps.httpFetch),
  ]);
}

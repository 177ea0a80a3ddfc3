import type { ProjectStatus } from '../entities/project.ts';
import type { Json } from '../lib/json.ts';
import type { Sql } from './sql.ts';

/** A project as engines and agents need it. */
export interface ProjectRecord {
  id: string;
  workspaceId: string;
  name: string;
  rootPath: string;
  status: ProjectStatus;
  fileCount: number;
  indexedFileCount: number;
  skippedFileCount: number;
  chunkCount: number;
  byteCount: number;
  failureCode: string | null;
  failureMessage: string | null;
  /** ISO 8601; null before the first index was complete. */
  indexedAt: string | null;
  /** Hash over all indexed content; null before the first index was complete. */
  contentHash: string | null;
  version: number;
}

/** Counts written while and after a project is indexed. */
export interface ProjectCounts {
  fileCount: number;
  indexedFileCount: number;
  skippedFileCount: number;
  chunkCount: number;
  byteCount: number;
}

const columns = `
  id, workspace_id as "workspaceId", name, root_path as "rootPath", status, file_count as "fileCount",
  indexed_file_count as "indexedFileCount", skipped_file_count as "skippedFileCount", chunk_count as "chunkCount",
  byte_count::float8 as "byteCount", failure_code as "failureCode", failure_message as "failureMessage",
  to_char(indexed_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "indexedAt",
  content_hash as "contentHash", version`;

export async function findProject(
  sql: Sql,
  workspaceId: string,
  id: string,
): Promise<ProjectRecord | undefined> {
  const [row] = await sql.rows<ProjectRecord>(
    `/* findProject */ select ${columns} from project where workspace_id = $1 and id = $2`,
    [workspaceId, id],
  );
  return row;
}

export async function findProjectByPath(
  sql: Sql,
  workspaceId: string,
  rootPath: string,
): Promise<ProjectRecord | undefined> {
  const [row] = await sql.rows<ProjectRecord>(
    `/* findProjectByPath */ select ${columns} from project where workspace_id = $1 and root_path = $2`,
    [workspaceId, rootPath],
  );
  return row;
}

/** Projects whose index was never finished, or is being made, of every workspace the statement sees. */
export async function listIndexingProjects(sql: Sql): Promise<ProjectRecord[]> {
  return sql.rows<ProjectRecord>(
    `/* listIndexingProjects */ select ${columns} from project where status = 'INDEXING' order by id`,
  );
}

/** Inserts a project; undefined when the workspace has one with this path already. */
export async function insertProject(
  sql: Sql,
  project: { workspaceId: string; name: string; rootPath: string },
): Promise<ProjectRecord | undefined> {
  const [row] = await sql.rows<ProjectRecord>(
    `/* insertProject */ insert into project (workspace_id, name, root_path) values ($1, $2, $3)
     on conflict (workspace_id, root_path) do nothing returning ${columns}`,
    [project.workspaceId, project.name, project.rootPath],
  );
  return row;
}

/** Back to INDEXING, whatever it was; the last good index stays searchable. */
export async function startProjectIndexing(
  sql: Sql,
  workspaceId: string,
  id: string,
): Promise<ProjectRecord | undefined> {
  const [row] = await sql.rows<ProjectRecord>(
    `/* startProjectIndexing */ update project
     set status = 'INDEXING', failure_code = null, failure_message = null, version = version + 1, updated_at = now()
     where workspace_id = $1 and id = $2 returning ${columns}`,
    [workspaceId, id],
  );
  return row;
}

/** Counts while indexing goes on; undefined when the project is not INDEXING any more. */
export async function saveProjectProgress(
  sql: Sql,
  workspaceId: string,
  id: string,
  counts: ProjectCounts,
): Promise<ProjectRecord | undefined> {
  const [row] = await sql.rows<ProjectRecord>(
    `/* saveProjectProgress */ update project
     set file_count = $3, indexed_file_count = $4, skipped_file_count = $5, chunk_count = $6, byte_count = $7,
         version = version + 1, updated_at = now()
     where workspace_id = $1 and id = $2 and status = 'INDEXING' returning ${columns}`,
    [workspaceId, id, ...countValues(counts)],
  );
  return row;
}

export async function finishProjectIndexing(
  sql: Sql,
  workspaceId: string,
  id: string,
  result: ProjectCounts & { contentHash: string },
): Promise<ProjectRecord | undefined> {
  const [row] = await sql.rows<ProjectRecord>(
    `/* finishProjectIndexing */ update project
     set status = 'READY', file_count = $3, indexed_file_count = $4, skipped_file_count = $5, chunk_count = $6,
         byte_count = $7, content_hash = $8, failure_code = null, failure_message = null, indexed_at = now(),
         version = version + 1, updated_at = now()
     where workspace_id = $1 and id = $2 returning ${columns}`,
    [workspaceId, id, ...countValues(result), result.contentHash],
  );
  return row;
}

export async function failProjectIndexing(
  sql: Sql,
  workspaceId: string,
  id: string,
  failure: { code: string; message: string },
): Promise<ProjectRecord | undefined> {
  const [row] = await sql.rows<ProjectRecord>(
    `/* failProjectIndexing */ update project
     set status = 'FAILED', failure_code = $3, failure_message = $4, version = version + 1, updated_at = now()
     where workspace_id = $1 and id = $2 returning ${columns}`,
    [workspaceId, id, failure.code, failure.message.slice(0, 2_000)],
  );
  return row;
}

/** What the payload of every project event says. */
export function projectPayload(project: ProjectRecord): Json {
  const { status, version, name, fileCount, indexedFileCount, skippedFileCount, chunkCount, byteCount } =
    project;
  const counts = { fileCount, indexedFileCount, skippedFileCount, chunkCount, byteCount };
  const failure =
    project.failureCode === null ? null : { code: project.failureCode, message: project.failureMessage };
  return { status, version, name, ...counts, failure };
}

function countValues(counts: ProjectCounts): number[] {
  return [
    counts.fileCount,
    counts.indexedFileCount,
    counts.skippedFileCount,
    counts.chunkCount,
    counts.byteCount,
  ];
}

import type { Json } from '../lib/json.ts';
import type { Sql } from './sql.ts';

export interface OutputChunk {
  taskId: string;
  workspaceId: string;
  attempt: number;
  /** In UTF-16 units from the start of the attempt's text. */
  startOffset: number;
  text: string;
}

/** Saves streamed text. A chunk written twice (a retry after a lost connection) stays as it was. */
export async function saveChunks(sql: Sql, chunks: readonly OutputChunk[]): Promise<void> {
  if (chunks.length === 0) return;
  await sql.rows(
    `/* saveOutputChunks */
    insert into output_chunk (workspace_id, task_id, attempt, start_offset, text)
    select * from unnest($1::uuid[], $2::uuid[], $3::int[], $4::int[], $5::text[])
    on conflict do nothing`,
    [
      chunks.map((chunk) => chunk.workspaceId),
      chunks.map((chunk) => chunk.taskId),
      chunks.map((chunk) => chunk.attempt),
      chunks.map((chunk) => chunk.startOffset),
      chunks.map((chunk) => chunk.text),
    ],
  );
}

/** Saved text of a task behind (attempt, offset), in order. */
export async function listChunks(
  sql: Sql,
  query: { workspaceId: string; taskId: string; attempt: number; offset: number },
): Promise<{ attempt: number; startOffset: number; text: string }[]> {
  return sql.rows(
    `/* listOutputChunks */
    select attempt, start_offset as "startOffset", text from output_chunk
    where workspace_id = $1 and task_id = $2
      and (attempt > $3 or attempt = $3 and start_offset + length(text) * 2 > $4)
    order by attempt, start_offset`,
    [query.workspaceId, query.taskId, query.attempt, query.offset],
  );
}

export interface OutputState {
  status: string;
  /** Attempts started so far; the number of the newest. */
  attempt: number;
}

/** Where a task stands, for whoever follows its output. */
export async function findOutputState(
  sql: Sql,
  workspaceId: string,
  taskId: string,
): Promise<OutputState | undefined> {
  const [row] = await sql.rows<OutputState>(
    `/* findOutputState */ select status, attempt from task where id = $2 and workspace_id = $1`,
    [workspaceId, taskId],
  );
  return row;
}

export interface DependencyOutput<Citation> {
  nodeId: string;
  title: string;
  text: string;
  data: Json;
  /** As the engine wrote them. */
  citations: Citation[];
  extractive: boolean;
}

/** What the direct predecessors of a task gave, in the order of their creation. */
export async function listDependencyOutputs<Citation>(
  sql: Sql,
  taskId: string,
): Promise<DependencyOutput<Citation>[]> {
  return sql.rows<DependencyOutput<Citation>>(
    `/* listDependencyOutputs */
    select t.node_id as "nodeId", t.title, o.text, o.data, o.citations, o.extractive
    from task_dependency d join task t on t.id = d.depends_on_task_id join output o on o.task_id = t.id
    where d.task_id = $1 order by t.id`,
    [taskId],
  );
}

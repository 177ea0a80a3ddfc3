import type { Sql } from './sql.ts';

export interface ProjectScope {
  workspaceId: string;
  projectId: string;
}

export interface IndexedFile {
  path: string;
  contentHash: string;
  byteCount: number;
  lineCount: number;
  language: string;
  kind: string;
  summary: { text: string; quote: string; startLine: number; endLine: number } | null;
}

export interface IndexedChunk {
  path: string;
  title: string;
  startLine: number;
  endLine: number;
  content: string;
  /** Words of path and title, identifiers split: they weigh most. */
  titleWords: string;
  /** Words of the content, identifiers split. */
  bodyWords: string;
}

export interface ChunkHit {
  path: string;
  language: string;
  kind: string;
  title: string;
  startLine: number;
  endLine: number;
  content: string;
  /** ts_rank_cd; comparable inside one answer only. */
  rank: number;
}

export async function listFileHashes(sql: Sql, scope: ProjectScope): Promise<Map<string, string>> {
  const rows = await sql.rows<{ path: string; hash: string }>(
    `/* listFileHashes */ select path, content_hash as hash from project_file where workspace_id = $1 and project_id = $2`,
    [scope.workspaceId, scope.projectId],
  );
  return new Map(rows.map(({ path, hash }) => [path, hash]));
}

/**
 * Writes files and their chunks in one statement, so that a search sees either the old or the new parts of a file. The
 * chunks it deletes are those of the old version: a statement does not see the rows it inserts itself.
 */
export async function saveFiles(
  sql: Sql,
  scope: ProjectScope,
  files: readonly IndexedFile[],
  chunks: readonly IndexedChunk[],
): Promise<void> {
  await sql.rows(
    `/* saveProjectFiles */
     with saved as (
       insert into project_file (workspace_id, project_id, path, content_hash, byte_count, line_count, language, kind, summary)
       select $1, $2, f.path, f.hash, f.bytes, f.lines, f.language, f.kind, f.summary::jsonb
       from unnest($3::text[], $4::text[], $5::int[], $6::int[], $7::text[], $8::text[], $9::text[])
         as f (path, hash, bytes, lines, language, kind, summary)
       on conflict (project_id, path) do update
         set content_hash = excluded.content_hash, byte_count = excluded.byte_count, line_count = excluded.line_count,
             language = excluded.language, kind = excluded.kind, summary = excluded.summary, indexed_at = now()
       returning id, path
     ), gone as (
       delete from project_chunk c using project_file f
       where f.workspace_id = $1 and f.project_id = $2 and f.path = any($3::text[]) and c.file_id = f.id
     )
     insert into project_chunk (workspace_id, project_id, file_id, title, start_line, end_line, content, search)
     select $1, $2, s.id, c.title, c.start_line, c.end_line, c.content,
            setweight(to_tsvector('english', c.title_words), 'A') || setweight(to_tsvector('english', c.body_words), 'C')
     from unnest($10::text[], $11::text[], $12::int[], $13::int[], $14::text[], $15::text[], $16::text[])
       as c (path, title, start_line, end_line, content, title_words, body_words)
     join saved s on s.path = c.path`,
    [
      scope.workspaceId,
      scope.projectId,
      files.map((file) => file.path),
      files.map((file) => file.contentHash),
      files.map((file) => file.byteCount),
      files.map((file) => file.lineCount),
      files.map((file) => file.language),
      files.map((file) => file.kind),
      files.map((file) => (file.summary ? JSON.stringify(file.summary) : null)),
      chunks.map((chunk) => chunk.path),
      chunks.map((chunk) => chunk.title),
      chunks.map((chunk) => chunk.startLine),
      chunks.map((chunk) => chunk.endLine),
      chunks.map((chunk) => chunk.content),
      chunks.map((chunk) => chunk.titleWords),
      chunks.map((chunk) => chunk.bodyWords),
    ],
  );
}

export async function deleteFiles(sql: Sql, scope: ProjectScope, paths: readonly string[]): Promise<void> {
  await sql.rows(
    `/* deleteProjectFiles */ delete from project_file where workspace_id = $1 and project_id = $2 and path = any($3::text[])`,
    [scope.workspaceId, scope.projectId, paths],
  );
}

/** Totals of what is in the index, and a hash over all of it. */
export async function getIndexTotals(
  sql: Sql,
  scope: ProjectScope,
): Promise<{ fileCount: number; chunkCount: number; byteCount: number; contentHash: string }> {
  const [row] = await sql.rows<{
    fileCount: number;
    chunkCount: number;
    byteCount: number;
    contentHash: string;
  }>(
    `/* getIndexTotals */
     select count(*)::int as "fileCount", coalesce(sum(byte_count), 0)::float8 as "byteCount",
            (select count(*)::int from project_chunk where workspace_id = $1 and project_id = $2) as "chunkCount",
            encode(sha256(convert_to(coalesce(string_agg(path || ' ' || content_hash, E'\\n' order by path), ''), 'UTF8')), 'hex')
              as "contentHash"
     from project_file where workspace_id = $1 and project_id = $2`,
    [scope.workspaceId, scope.projectId],
  );
  return row!;
}

export interface ChunkQuery {
  /** As a person types it: words, "phrases", or, -not. Never a syntax error. */
  text: string;
  /** Words of which any one is enough, when `text` as a whole matches too little. */
  anyOf: readonly string[];
  limit: number;
  /** Only files below this folder (no trailing slash). */
  folder?: string | undefined;
  kinds?: readonly string[] | undefined;
}

/**
 * Best chunks first. What matches the whole query beats what matches a part; inside that by cover density (Clarke, Cormack
 * & Tudhope 2000, PostgreSQL's ts_rank_cd), normalised by the logarithm of the chunk's length.
 */
export async function searchChunks(sql: Sql, scope: ProjectScope, query: ChunkQuery): Promise<ChunkHit[]> {
  // The words are bare, so joined by "or" they cannot form an operator.
  const anyOf = query.anyOf
    .map((word) => word.replace(/[^\p{L}\p{N}]/gu, ''))
    .filter((word) => word !== '' && word !== 'or');
  return sql.rows<ChunkHit>(
    `/* searchProjectChunks */
     with q as (select websearch_to_tsquery('english', $3) as whole, websearch_to_tsquery('english', $4) as part)
     select f.path, f.language, f.kind, c.title, c.start_line as "startLine", c.end_line as "endLine", c.content,
            (case when c.search @@ q.whole then 2 * ts_rank_cd(c.search, q.whole, 1) + 0.1 else 0 end
             + ts_rank_cd('{0.1, 0.2, 0.4, 1}', c.search, q.part, 1))::float8 as rank
     from q, project_chunk c join project_file f on f.id = c.file_id
     where c.workspace_id = $1 and c.project_id = $2 and (c.search @@ q.whole or c.search @@ q.part)
       and ($6::text is null or starts_with(f.path, $6 || '/')) and ($7::text[] is null or f.kind = any($7))
     order by rank desc, f.path, c.start_line limit $5`,
    [
      scope.workspaceId,
      scope.projectId,
      webQuery(query.text),
      anyOf.join(' or '),
      query.limit,
      query.folder ?? null,
      query.kinds ?? null,
    ],
  );
}

const maxQueryWords = 60;

/**
 * What websearch_to_tsquery understands of a text and nothing else. It is documented to accept anything, but a run of some 40
 * hyphens overflows its operator stack (PostgreSQL 18, `tsquery stack too small`).
 */
function webQuery(text: string): string {
  const parts: string[] = [];
  for (const match of text.matchAll(/(?<=^|\s)(-?)"([^"]*)"|(?<=^|\s)(-)(?=[\p{L}\p{N}])|[\p{L}\p{N}]+/gu)) {
    const [whole, not, phrase, minus] = match;
    if (phrase !== undefined) {
      const words = phrase.match(/[\p{L}\p{N}]+/gu)?.slice(0, maxQueryWords);
      if (words) parts.push(`${not ?? ''}"${words.join(' ')}" `);
    } else if (minus !== undefined) parts.push('-');
    else parts.push(`${whole} `);
    if (parts.length >= maxQueryWords) break;
  }
  return parts.join('').trim();
}

export interface OutlineRow {
  path: string;
  language: string;
  kind: string;
  lineCount: number;
  byteCount: number;
  summary: { text: string; quote: string; startLine: number; endLine: number } | null;
}

/** Every indexed file, by path: what a directory outline is made of. */
export async function listOutlineRows(
  sql: Sql,
  scope: ProjectScope,
  folder: string | null,
): Promise<OutlineRow[]> {
  return sql.rows<OutlineRow>(
    `/* listOutlineRows */
     select path, language, kind, line_count as "lineCount", byte_count as "byteCount", summary
     from project_file
     where workspace_id = $1 and project_id = $2 and ($3::text is null or starts_with(path, $3 || '/'))
     order by path`,
    [scope.workspaceId, scope.projectId, folder],
  );
}

export interface LineHit {
  path: string;
  kind: string;
  line: number;
  text: string;
}

/** Lines of indexed files that match a POSIX regular expression, best for marks such as TODO that stemming would lose. */
export async function listMatchingLines(
  sql: Sql,
  scope: ProjectScope,
  pattern: string,
  limit: number,
): Promise<LineHit[]> {
  return sql.rows<LineHit>(
    `/* listMatchingLines */
     select f.path, f.kind, (c.start_line + l.n - 1)::int as line, l.text
     from project_chunk c join project_file f on f.id = c.file_id,
       lateral string_to_table(c.content, E'\\n') with ordinality as l (text, n)
     where c.workspace_id = $1 and c.project_id = $2 and c.content ~ $3 and l.text ~ $3
     order by f.path, line limit $4`,
    [scope.workspaceId, scope.projectId, pattern, limit],
  );
}

import { canonicalJson, type Json } from '../lib/json.ts';
import type { AuditOutcome } from './audit-store.ts';
import { toPage, type Page } from './page.ts';
import type { Sql } from './sql.ts';

/** What of an entry its hash covers, in the words of the export. Every field is always there; what is unknown is null. */
export interface AuditContent {
  id: string;
  workspaceId: string;
  /** ISO 8601 in UTC with microseconds. */
  at: string;
  actorKind: string;
  actorId: string | null;
  action: string;
  outcome: AuditOutcome;
  subjectType: string | null;
  subjectId: string | null;
  detail: Json;
  requestId: string | null;
}

export interface AuditRow extends AuditContent {
  /** Whether it has its place in the chain of hashes already. */
  sealed: boolean;
  address: string | null;
  userAgent: string | null;
}

export interface AuditFilter {
  actorId?: string | undefined;
  /** Exact, or a prefix with an asterisk: `member.*`. */
  action?: string | undefined;
  outcome?: AuditOutcome | undefined;
  subjectId?: string | undefined;
  /** From this moment on. */
  since?: Date | undefined;
  /** Before this moment. */
  until?: Date | undefined;
  /** Anywhere in action, subject, actor or detail, upper and lower case alike. */
  text?: string | undefined;
}

export interface AuditState {
  sealedCount: number;
  unsealedCount: number;
  /** Hexadecimal; to be noted elsewhere and compared by `hive audit verify --head`. Null while nothing is sealed. */
  headHash: string | null;
  headPosition: number;
  /** Up to where retention cut the chain; 0 while it did not. */
  anchorPosition: number;
}

/** Columns of `audit_entry e` as AuditContent. */
export const contentColumns = `e.id, e.workspace_id as "workspaceId",
  to_char(e.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') as at,
  e.actor_kind as "actorKind", e.actor_id as "actorId", e.action, e.outcome, e.subject_type as "subjectType",
  e.subject_id as "subjectId", e.detail, e.request_id as "requestId"`;

/** Picks exactly the fields that are hashed. */
export function contentOf(row: AuditContent): AuditContent {
  const { id, workspaceId, at, actorKind, actorId, action, outcome } = row;
  const { subjectType, subjectId, detail, requestId } = row;
  return {
    ...{
      id,
      workspaceId,
      at,
      actorKind,
      actorId,
      action,
      outcome,
      subjectType,
      subjectId,
      detail,
      requestId,
    },
  };
}

/** An id is made a moment before or after its row's time; the exact bound is on the time. */
const slackMs = 60_000;

/** `$1` is the workspace. Unset conditions are not in the text, so that each has its index; there are few combinations. */
function conditionsOf(workspaceId: string, filter: AuditFilter): { text: string; values: unknown[] } {
  const values: unknown[] = [workspaceId];
  const bind = (value: unknown) => `$${values.push(value)}`;
  const parts = ['e.workspace_id = $1'];
  if (filter.actorId !== undefined) parts.push(`e.actor_id = ${bind(filter.actorId)}`);
  if (filter.action?.endsWith('*'))
    parts.push(`e.action like ${bind(`${escapeLike(filter.action.slice(0, -1))}%`)}`);
  else if (filter.action !== undefined) parts.push(`e.action = ${bind(filter.action)}`);
  if (filter.outcome !== undefined) parts.push(`e.outcome = ${bind(filter.outcome)}`);
  if (filter.subjectId !== undefined) parts.push(`e.subject_id = ${bind(filter.subjectId)}`);
  if (filter.since !== undefined)
    parts.push(
      `e.at >= ${bind(filter.since)} and e.id >= ${bind(firstIdAt(filter.since.getTime() - slackMs))}`,
    );
  if (filter.until !== undefined)
    parts.push(
      `e.at < ${bind(filter.until)} and e.id < ${bind(firstIdAt(filter.until.getTime() + slackMs))}`,
    );
  if (filter.text !== undefined && filter.text !== '') {
    const like = bind(`%${escapeLike(filter.text)}%`);
    parts.push(
      `(e.action ilike ${like} or e.subject_id ilike ${like} or e.actor_id ilike ${like} or e.detail::text ilike ${like})`,
    );
  }
  return { text: parts.join(' and '), values };
}

function escapeLike(text: string): string {
  return text.replace(/[\\%_]/g, '\\$&');
}

/** The smallest uuidv7 of that millisecond. */
function firstIdAt(ms: number): string {
  const hex = Math.min(Math.max(0, Math.trunc(ms)), 2 ** 48 - 1)
    .toString(16)
    .padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`;
}

/**
 * Entries of a workspace, newest first.
 * @param query.after the id of the last entry of the page before
 */
export async function pageOfAudit(
  sql: Sql,
  query: { workspaceId: string; filter?: AuditFilter; first: number; after?: string | undefined },
): Promise<Page<AuditRow>> {
  const { text, values } = conditionsOf(query.workspaceId, query.filter ?? {});
  const limit = values.push(query.first + 1);
  const after = query.after === undefined ? '' : `and e.id < $${values.push(query.after)}`;
  const rows = await sql.rows<AuditRow>(
    `select ${contentColumns}, s.entry_id is not null as sealed, o.address, o.user_agent as "userAgent"
    from audit_entry e
      left join audit_seal s on s.entry_id = e.id
      left join audit_origin o on o.entry_id = e.id
    where ${text} ${after}
    order by e.id desc limit $${limit}`,
    values,
  );
  return toPage(
    { limit: query.first, backward: false, ...(query.after ? { after: query.after } : {}) },
    rows,
  );
}

/** How long the chain is and where it ends. */
export async function readAuditState(sql: Sql, workspaceId: string): Promise<AuditState> {
  const [row] = await sql.rows<{
    sealed: string;
    unsealed: string;
    position: string | null;
    anchor: string | null;
    hash: Buffer | null;
  }>(
    `/* readAuditState */
    select coalesce(h.position - h.anchor_position, 0)::text as sealed, h.position::text, h.hash,
      h.anchor_position::text as anchor,
      (select count(*) from audit_entry e where e.workspace_id = $1 and (e.xid, e.seq) > (z.xid, z.seq)
        and not exists (select from audit_seal s where s.entry_id = e.id))::text as unsealed
    from audit_sealer z left join audit_head h on h.workspace_id = $1`,
    [workspaceId],
  );
  return {
    sealedCount: Number(row?.sealed ?? 0),
    unsealedCount: Number(row?.unsealed ?? 0),
    headHash: row?.hash?.toString('hex') ?? null,
    headPosition: Number(row?.position ?? 0),
    anchorPosition: Number(row?.anchor ?? 0),
  };
}

/** First line of an export. */
export interface AuditExportHeader {
  format: 'hive-audit/1';
  workspaceId: string;
  exportedAt: string;
  /** The head of the chain when the export began. */
  headPosition: number;
  headHash: string | null;
  /** Up to where retention had removed the beginning; an entry `audit.retain` then says so, too. */
  anchorPosition: number;
  /** Whether entries were left out by a filter; then gaps between positions are no sign of anything. */
  filtered: boolean;
}

/** Each further line. `position`, `previous` and `hash` are null for an entry that is not sealed yet. */
export interface AuditExportLine {
  position: number | null;
  previous: string | null;
  hash: string | null;
  entry: AuditContent;
  /** Where it came from, as far as it is still kept; no part of what is hashed. */
  origin: { address: string | null; userAgent: string | null } | null;
}

const exportPageSize = 500;

/**
 * The trail as JSON Lines, each ending in a line break: a header, the sealed entries in the order of the chain, then those not
 * sealed yet. Reads page after page, so memory stays constant and no transaction stays open.
 *
 * Whoever has the file can check it without the hive: `hash` is the SHA-256 of the 32 bytes of `previous` followed by
 * `entry` as canonical JSON (RFC 8785: no spaces, keys sorted by UTF-16 code units, numbers as JavaScript writes them) in
 * UTF-8; `previous` is the `hash` of the position before, 32 zero bytes at position 1. All in hexadecimal.
 */
export async function* exportAudit(
  sql: Sql,
  workspaceId: string,
  filter: AuditFilter = {},
): AsyncGenerator<string, void, undefined> {
  const { headPosition, headHash, anchorPosition } = await readAuditState(sql, workspaceId);
  const header: AuditExportHeader = {
    ...{ format: 'hive-audit/1', workspaceId, exportedAt: new Date().toISOString() },
    ...{ headPosition, headHash, anchorPosition },
    filtered: Object.values(filter).some((value) => value !== undefined && value !== ''),
  };
  yield `${canonicalJson(header)}\n`;
  let position = 0;
  for (;;) {
    const rows = await readSealedPage(sql, workspaceId, filter, position);
    for (const row of rows) yield `${canonicalJson(exportLine(row))}\n`;
    if (rows.length < exportPageSize) break;
    position = Number(rows.at(-1)!.position);
  }
  let after = '00000000-0000-0000-0000-000000000000';
  for (;;) {
    const rows = await readUnsealedPage(sql, workspaceId, filter, after);
    for (const row of rows) yield `${canonicalJson(exportLine(row))}\n`;
    if (rows.length < exportPageSize) return;
    after = rows.at(-1)!.id;
  }
}

interface ExportRow extends AuditContent {
  position: string | null;
  previous: Buffer | null;
  hash: Buffer | null;
  address: string | null;
  userAgent: string | null;
}

function exportLine(row: ExportRow): AuditExportLine {
  const { address, userAgent } = row;
  return {
    position: row.position === null ? null : Number(row.position),
    previous: row.previous?.toString('hex') ?? null,
    hash: row.hash?.toString('hex') ?? null,
    entry: contentOf(row),
    origin: address === null && userAgent === null ? null : { address, userAgent },
  };
}

function readSealedPage(
  sql: Sql,
  workspaceId: string,
  filter: AuditFilter,
  position: number,
): Promise<ExportRow[]> {
  const { text, values } = conditionsOf(workspaceId, filter);
  return sql.rows<ExportRow>(
    `select s.position::text, s.previous, s.hash, ${contentColumns}, o.address, o.user_agent as "userAgent"
    from audit_seal s
      join audit_entry e on e.id = s.entry_id
      left join audit_origin o on o.entry_id = e.id
    where s.workspace_id = $1 and s.position > $${values.push(position)} and ${text}
    order by s.position limit ${exportPageSize}`,
    values,
  );
}

function readUnsealedPage(
  sql: Sql,
  workspaceId: string,
  filter: AuditFilter,
  after: string,
): Promise<ExportRow[]> {
  const { text, values } = conditionsOf(workspaceId, filter);
  return sql.rows<ExportRow>(
    `select null as position, null as previous, null as hash, ${contentColumns}, o.address,
      o.user_agent as "userAgent"
    from audit_sealer z join audit_entry e on (e.xid, e.seq) > (z.xid, z.seq)
      left join audit_origin o on o.entry_id = e.id
    where not exists (select from audit_seal s where s.entry_id = e.id)
      and e.id > $${values.push(after)} and ${text}
    order by e.id limit ${exportPageSize}`,
    values,
  );
}

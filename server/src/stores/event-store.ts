import type { Json } from '../lib/json.ts';
import type { LogPosition } from '../lib/cursor.ts';
import type { Sql } from './sql.ts';

export interface NewEvent {
  workspaceId: string;
  /** `subject.verb`, for example `task.succeeded`; the part before the dot names the subject's table. */
  type: string;
  subjectId: string;
  goalId?: string | null;
  payload: Json;
}

export interface EventRow extends LogPosition {
  workspaceId: string;
  type: string;
  subjectId: string;
  goalId: string | null;
  payload: Json;
  /** ISO 8601. */
  at: string;
}

/** Writes event rows in the caller's transaction: that of the change they report. */
export async function appendEvents(sql: Sql, events: readonly NewEvent[]): Promise<void> {
  if (events.length === 0) return;
  await sql.rows(
    `/* appendEvents */
    insert into event (workspace_id, type, subject_id, goal_id, detail)
    select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::uuid[], $5::jsonb[])`,
    [
      events.map((event) => event.workspaceId),
      events.map((event) => event.type),
      events.map((event) => event.subjectId),
      events.map((event) => event.goalId ?? null),
      events.map((event) => JSON.stringify(event.payload)),
    ],
  );
}

interface RawEvent {
  xid: string;
  seq: string;
  workspace_id: string;
  type: string;
  subject_id: string;
  goal_id: string | null;
  payload: Json;
  at: string;
}

export interface EventPage {
  rows: EventRow[];
  /** Everything up to here has been read, whatever the filter left out. */
  position: LogPosition;
}

export interface EventQuery {
  after: LogPosition;
  limit: number;
  /** Only this workspace; every workspace for the pump. */
  workspaceId?: string;
  /** Exact types. */
  types?: readonly string[];
  /** Type prefixes, without the asterisk. */
  typePrefixes?: readonly string[];
  subjectId?: string;
  goalId?: string;
  /** Not behind this position (inclusive); the horizon bounds the read anyway. */
  upTo?: LogPosition;
}

/**
 * Rows behind `after` in log order, only those below the snapshot horizon: a transaction still open could commit an
 * event with a smaller transaction id, and a reader that had passed it would never see it. The order names the table's
 * columns, because a bare `xid` means the text column of the result, which sorts 10 before 9.
 */
export async function readEvents(sql: Sql, query: EventQuery): Promise<EventRow[]> {
  const rows = await sql.rows<RawEvent>(
    `/* readEvents */
    select xid::text, seq::text, workspace_id, type, subject_id, goal_id, payload,
      to_char(at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at
    from event
    where (xid, seq) > ($1::xid8, $2::bigint)
      and xid < pg_snapshot_xmin(pg_current_snapshot())
      and ($4::uuid is null or workspace_id = $4)
      and ($5::text[] is null and $6::text[] is null or type = any($5) or type like any($6))
      and ($7::uuid is null or subject_id = $7)
      and ($8::uuid is null or goal_id = $8 or subject_id = $8)
      and ($9::xid8 is null or (xid, seq) <= ($9::xid8, $10::bigint))
    order by event.xid, event.seq
    limit $3`,
    [
      query.after.xid.toString(),
      query.after.seq.toString(),
      query.limit,
      query.workspaceId ?? null,
      query.types ?? null,
      query.typePrefixes?.map((prefix) => `${prefix.replace(/[\\%_]/g, '\\$&')}%`) ?? null,
      query.subjectId ?? null,
      query.goalId ?? null,
      query.upTo?.xid.toString() ?? null,
      query.upTo?.seq.toString() ?? null,
    ],
  );
  return rows.map((row) => ({
    xid: BigInt(row.xid),
    seq: BigInt(row.seq),
    workspaceId: row.workspace_id,
    type: row.type,
    subjectId: row.subject_id,
    goalId: row.goal_id,
    payload: row.payload,
    at: row.at,
  }));
}

/** The newest position every reader can see; the start of the log when it is empty. */
export async function latestPosition(sql: Sql): Promise<LogPosition> {
  const rows = await sql.rows<{ xid: string; seq: string }>(
    `/* latestEventPosition */
    select xid::text, seq::text from event where xid < pg_snapshot_xmin(pg_current_snapshot())
    order by event.xid desc, event.seq desc limit 1`,
  );
  const row = rows[0];
  return row ? { xid: BigInt(row.xid), seq: BigInt(row.seq) } : { xid: 0n, seq: 0n };
}

export interface LogBounds {
  /** Retention deleted everything up to here. */
  floor: LogPosition;
  /** No transaction of this database has an id at or above this. */
  nextXid: bigint;
}

export async function readLogBounds(sql: Sql): Promise<LogBounds> {
  const [row] = await sql.rows<{ xid: string; seq: string; next: string }>(
    `/* readLogBounds */
    select xid::text, seq::text, pg_snapshot_xmax(pg_current_snapshot())::text as next from event_floor`,
  );
  return {
    floor: { xid: BigInt(row?.xid ?? 0), seq: BigInt(row?.seq ?? 0) },
    nextXid: BigInt(row?.next ?? 0),
  };
}

/** Age in ms of the oldest transaction that holds the horizon back; 0 when none does. */
export async function horizonAgeMs(sql: Sql): Promise<number> {
  const [row] = await sql.rows<{ age: number | null }>(
    `/* eventHorizonAge */ select hive_event_horizon_age_ms() as age`,
  );
  return Math.max(0, row?.age ?? 0);
}

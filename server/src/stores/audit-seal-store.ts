import { contentColumns, type AuditContent } from './audit-reads.ts';
import type { Sql } from './sql.ts';

/** Of the advisory lock that makes one process in the cluster seal at a time. */
const sealingLock = 4_851_302_178;

export interface ChainHead {
  position: bigint;
  hash: Buffer;
}

export interface NewSeal {
  workspaceId: string;
  position: bigint;
  entryId: string;
  previous: Buffer;
  hash: Buffer;
}

/** An entry as the sealer meets it. */
export interface UnsealedRow extends AuditContent {
  xid: string;
  seq: string;
}

/** Whether nobody else is sealing; holds until the end of the transaction. */
export async function tryLockSealing(sql: Sql): Promise<boolean> {
  const [row] = await sql.rows<{ locked: boolean }>(
    `/* tryLockSealing */ select pg_try_advisory_xact_lock($1) as locked`,
    [sealingLock],
  );
  return row?.locked === true;
}

/**
 * Whether the log continues in another cluster than the one it was sealed in, that is after a restored dump: then transaction
 * ids of rows and of the watermark are those of another count.
 */
export async function isForeignLog(sql: Sql): Promise<boolean> {
  const [row] = await sql.rows<{ foreign: boolean }>(
    `/* isForeignAuditLog */
    select cluster <> (select system_identifier::text from pg_control_system()) as foreign from audit_sealer`,
  );
  return row?.foreign === true;
}

/** From now on the log is that of this cluster, to be read from its start. */
export async function adoptLog(sql: Sql): Promise<void> {
  await sql.rows(
    `/* adoptAuditLog */
    update audit_sealer set xid = '0', seq = 0,
      cluster = (select system_identifier::text from pg_control_system())`,
  );
}

/**
 * Entries behind the watermark in the order of the log, below the snapshot horizon: what is still being written may have a
 * smaller transaction id than what is there, and would be sealed out of order. `sealed` ones come along only while the log of
 * a restored dump is read again.
 */
export function readUnsealed(sql: Sql, limit: number): Promise<(UnsealedRow & { sealed: boolean })[]> {
  return sql.rows(
    `/* readUnsealedAudit */
    select e.xid::text, e.seq::text, ${contentColumns},
      exists (select from audit_seal s where s.entry_id = e.id) as sealed
    from audit_sealer z cross join lateral (
      -- a row from outside, since a subquery's would not narrow the range of the index
      select * from audit_entry e
      where (e.xid, e.seq) > (z.xid, z.seq) and e.xid < pg_snapshot_xmin(pg_current_snapshot())
      order by e.xid, e.seq limit $1
    ) e
    order by e.xid, e.seq`,
    [limit],
  );
}

/** Entries that came with a dump and were not sealed before it was taken. */
export function readForeignUnsealed(sql: Sql, limit: number): Promise<UnsealedRow[]> {
  return sql.rows(
    `/* readForeignUnsealedAudit */
    select e.xid::text, e.seq::text, ${contentColumns}
    from audit_entry e
    where e.xid >= pg_snapshot_xmax(pg_current_snapshot())
      and not exists (select from audit_seal s where s.entry_id = e.id)
    order by e.seq limit $1`,
    [limit],
  );
}

export async function readHeads(sql: Sql, workspaceIds: readonly string[]): Promise<Map<string, ChainHead>> {
  const rows = await sql.rows<{ workspace_id: string; position: string; hash: Buffer }>(
    `/* readAuditHeads */
    select workspace_id, position::text, hash from audit_head where workspace_id = any($1::uuid[])`,
    [workspaceIds],
  );
  return new Map(rows.map((row) => [row.workspace_id, { position: BigInt(row.position), hash: row.hash }]));
}

export async function insertSeals(sql: Sql, seals: readonly NewSeal[]): Promise<void> {
  await sql.rows(
    `/* insertAuditSeals */
    insert into audit_seal (workspace_id, position, entry_id, previous, hash)
    select * from unnest($1::uuid[], $2::bigint[], $3::uuid[], $4::bytea[], $5::bytea[])`,
    [
      seals.map((seal) => seal.workspaceId),
      seals.map((seal) => seal.position.toString()),
      seals.map((seal) => seal.entryId),
      seals.map((seal) => seal.previous),
      seals.map((seal) => seal.hash),
    ],
  );
}

export async function keepHeads(sql: Sql, heads: ReadonlyMap<string, ChainHead>): Promise<void> {
  const entries = [...heads];
  await sql.rows(
    `/* keepAuditHeads */
    insert into audit_head as h (workspace_id, position, hash)
    select * from unnest($1::uuid[], $2::bigint[], $3::bytea[])
    on conflict (workspace_id) do update set position = excluded.position, hash = excluded.hash`,
    [
      entries.map(([workspaceId]) => workspaceId),
      entries.map(([, head]) => head.position.toString()),
      entries.map(([, head]) => head.hash),
    ],
  );
}

/** Everything up to here has been looked at. */
export async function keepWatermark(sql: Sql, row: { xid: string; seq: string }): Promise<void> {
  await sql.rows(`/* keepAuditWatermark */ update audit_sealer set xid = $1::xid8, seq = $2::bigint`, [
    row.xid,
    row.seq,
  ]);
}

/** A link of the chain with the entry it seals; the entry's fields are null when it is gone. */
export interface ChainLink extends Omit<AuditContent, 'id'> {
  id: string | null;
  position: string;
  entryId: string;
  previous: Buffer;
  hash: Buffer;
}

export function readChain(sql: Sql, workspaceId: string, after: bigint, limit: number): Promise<ChainLink[]> {
  return sql.rows(
    `/* readAuditChain */
    select s.position::text, s.entry_id as "entryId", s.previous, s.hash, ${contentColumns}
    from audit_seal s left join audit_entry e on e.id = s.entry_id and e.workspace_id = s.workspace_id
    where s.workspace_id = $1 and s.position > $2 order by s.position limit $3`,
    [workspaceId, after.toString(), limit],
  );
}

export interface ChainBounds extends ChainHead {
  workspaceId: string;
  anchorPosition: bigint;
}

/** The workspaces of a table by one look into its index for each, however many rows they have. */
const workspacesIn = (table: 'audit_entry' | 'audit_seal') => `
  select id from (
    with recursive step as (
      (select workspace_id as id from ${table} order by workspace_id limit 1)
      union all
      select (select t.workspace_id from ${table} t where t.workspace_id > step.id order by t.workspace_id limit 1)
      from step where step.id is not null
    ) select id from step where id is not null
  ) of_${table}`;

/** Where each chain should begin and end; also of workspaces that have entries, or seals, and no head. */
export async function readChainBounds(sql: Sql, workspaceId?: string): Promise<ChainBounds[]> {
  const rows = await sql.rows<{
    workspace_id: string;
    position: string;
    hash: Buffer | null;
    anchor: string;
  }>(
    `/* readAuditChainBounds */
    select w.id as workspace_id, coalesce(h.position, 0)::text as position, h.hash,
      coalesce(h.anchor_position, 0)::text as anchor
    from (
      select workspace_id as id from audit_head
      union ${workspacesIn('audit_entry')}
      union ${workspacesIn('audit_seal')}
    ) w left join audit_head h on h.workspace_id = w.id
    where $1::uuid is null or w.id = $1
    order by 1`,
    [workspaceId ?? null],
  );
  return rows.map((row) => ({
    workspaceId: row.workspace_id,
    position: BigInt(row.position),
    hash: row.hash ?? Buffer.alloc(32),
    anchorPosition: BigInt(row.anchor),
  }));
}

/** Whether the trail itself says that retention cut the chain there. */
export async function isCutOnRecord(
  sql: Sql,
  workspaceId: string,
  { position, hash }: ChainHead,
): Promise<boolean> {
  const [row] = await sql.rows<{ found: boolean }>(
    `/* isAuditCutOnRecord */
    select exists (
      select from audit_entry where workspace_id = $1 and action = 'audit.retain' and actor_kind = 'SYSTEM'
        and detail->>'throughPosition' = $2 and detail->>'throughHash' = $3
    ) as found`,
    [workspaceId, position.toString(), hash.toString('hex')],
  );
  return row?.found === true;
}

/** Whether anything was ever sealed, also when nothing of it is left. */
export async function wasEverSealed(sql: Sql): Promise<boolean> {
  const [row] = await sql.rows<{ sealed: boolean }>(
    `/* wasAuditEverSealed */ select xid <> '0' as sealed from audit_sealer`,
  );
  return row?.sealed === true;
}

export interface Unsealed {
  /** Written and not sealed yet. */
  waiting: number;
  /** The first entry without a seal in a place that has been sealed. */
  intruder: string | null;
}

const unsealedPage = 20_000;

/** Looks at every entry of the workspace, a page at a time. */
export async function findUnsealed(sql: Sql, workspaceId: string): Promise<Unsealed> {
  let waiting = 0;
  for (let after = '00000000-0000-0000-0000-000000000000'; ;) {
    const [page] = await sql.rows<{
      count: number;
      last: string | null;
      waiting: number;
      intruder: string | null;
    }>(
      `/* findUnsealedAudit */
      select count(*)::int as count, max(e.id::text) as last,
        (count(*) filter (where s.entry_id is null and (e.xid, e.seq) > (z.xid, z.seq)))::int as waiting,
        min(e.id::text) filter (where s.entry_id is null and (e.xid, e.seq) <= (z.xid, z.seq)) as intruder
      from audit_sealer z cross join (
        select id, xid, seq from audit_entry where workspace_id = $1 and id > $2 order by id limit ${unsealedPage}
      ) e left join audit_seal s on s.entry_id = e.id`,
      [workspaceId, after],
    );
    waiting += page?.waiting ?? 0;
    if (page?.intruder) return { waiting, intruder: page.intruder };
    if (!page?.last || page.count < unsealedPage) return { waiting, intruder: null };
    after = page.last;
  }
}

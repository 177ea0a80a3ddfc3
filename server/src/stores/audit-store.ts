import type { Json } from '../lib/json.ts';
import { storableJson, storableText } from '../lib/json.ts';
import type { Sql } from './sql.ts';

/**
 * Those of actors (engines/security/actor.ts), and SYSTEM for what the hive does by itself, ANONYMOUS for who was not
 * recognised.
 */
export const auditActorKinds = ['USER', 'API_KEY', 'SERVICE', 'LOCAL', 'SYSTEM', 'ANONYMOUS'] as const;
export type AuditActorKind = (typeof auditActorKinds)[number];

export const auditOutcomes = ['ALLOWED', 'DENIED', 'FAILED'] as const;
export type AuditOutcome = (typeof auditOutcomes)[number];

/**
 * What happened. An entry can never be changed, so nothing about a person belongs into it but ids: no name, no mail address,
 * nothing secret. Where it came from goes into `address` and `userAgent`, which are kept apart and can be erased.
 */
export interface NewAuditEntry {
  workspaceId: string;
  /** One of `auditActorKinds`. */
  actorKind: string;
  actorId: string | null;
  /** `noun.verb`, the action of the table of rules where there is one. */
  action: string;
  outcome: AuditOutcome;
  subjectType?: string | undefined;
  subjectId?: string | undefined;
  detail?: Json | undefined;
  requestId?: string | undefined;
  /** Whose address it is, for erasing it; taken from `actorId` when that is a user. */
  userId?: string | undefined;
  address?: string | undefined;
  userAgent?: string | undefined;
}

const longestDetail = 16_000;

/**
 * Writes entries in the caller's transaction: that of the change they record, so that neither is there without the other.
 * One statement. They get their place in the chain of hashes later (engines/security/audit-sealer.ts): a chain written here
 * would make all changes of a workspace wait for each other.
 */
export async function appendAudit(sql: Sql, entries: readonly NewAuditEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await sql.rows(
    `/* appendAudit */
    with given as materialized (
      select uuidv7() as id, g.* from unnest(
        $1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::jsonb[], $9::text[],
        $10::uuid[], $11::text[], $12::text[]
      ) as g (workspace_id, actor_kind, actor_id, action, outcome, subject_type, subject_id, detail, request_id,
        user_id, address, user_agent)
    ), entry as (
      insert into audit_entry
        (id, workspace_id, actor_kind, actor_id, action, outcome, subject_type, subject_id, detail, request_id)
      select id, workspace_id, actor_kind, actor_id, action, outcome, subject_type, subject_id, detail, request_id
      from given
    )
    insert into audit_origin (entry_id, workspace_id, user_id, address, user_agent)
    select id, workspace_id, user_id, address, user_agent from given
    where address is not null or user_agent is not null`,
    [
      entries.map((entry) => entry.workspaceId),
      entries.map((entry) => entry.actorKind),
      entries.map((entry) => textOf(entry.actorId, 200)),
      entries.map((entry) => entry.action),
      entries.map((entry) => entry.outcome),
      entries.map((entry) => textOf(entry.subjectType, 100)),
      entries.map((entry) => textOf(entry.subjectId, 200)),
      entries.map((entry) => detailOf(entry.detail)),
      entries.map((entry) => textOf(entry.requestId, 200)),
      entries.map((entry) => entry.userId ?? (entry.actorKind === 'USER' ? entry.actorId : null)),
      entries.map((entry) => textOf(entry.address, 100)),
      entries.map((entry) => textOf(entry.userAgent, 400)),
    ],
  );
}

function textOf(text: string | null | undefined, longest: number): string | null {
  return text === null || text === undefined ? null : storableText(text.slice(0, longest));
}

function detailOf(detail: Json | undefined): string {
  const text = JSON.stringify(storableJson(detail ?? {}));
  if (text.length <= longestDetail) return text;
  return JSON.stringify({
    shortened: true,
    characters: text.length,
    start: storableText(text.slice(0, 2_000)),
  });
}

/** Forgets from where a person did things, everywhere. Only for the system role. @returns how many places */
export async function eraseAuditOrigins(sql: Sql, userId: string): Promise<number> {
  const [row] = await sql.rows<{ erased: number }>(
    `/* eraseAuditOrigins */ select hive_audit_erase_origins($1) as erased`,
    [userId],
  );
  return row?.erased ?? 0;
}

/** Forgets addresses and devices older than so many days, a bounded number at once. Only for the system role. */
export async function forgetAuditOrigins(sql: Sql, olderThanDays: number): Promise<number> {
  const [row] = await sql.rows<{ erased: number }>(
    `/* forgetAuditOrigins */ select hive_audit_forget_origins($1, 10000) as erased`,
    [olderThanDays],
  );
  return row?.erased ?? 0;
}

/**
 * Removes entries older than so many days, at most 10,000 a workspace and call, and records that in the trail itself. What
 * stays can be verified as before. Only for the system role, in a transaction.
 * @param days 0 keeps everything
 * @returns how many; more than 0 means there may be more
 */
export async function applyAuditRetention(sql: Sql, days: number): Promise<number> {
  if (days === 0) return 0;
  const removed = await sql.rows<{
    workspace_id: string;
    removed_count: number;
    through_position: string;
    through_hash: Buffer;
  }>(
    `/* applyAuditRetention */
    select h.workspace_id, r.removed_count, r.through_position::text, r.through_hash
    from (select workspace_id from audit_head order by workspace_id) h,
      lateral hive_audit_retain(h.workspace_id, clock_timestamp() - $1 * interval '1 day', 10000) r
    where r.removed_count > 0`,
    [days],
  );
  await appendAudit(
    sql,
    removed.map((row) => ({
      workspaceId: row.workspace_id,
      actorKind: 'SYSTEM',
      actorId: null,
      action: 'audit.retain',
      outcome: 'ALLOWED',
      detail: {
        days,
        removedCount: row.removed_count,
        throughPosition: Number(row.through_position),
        throughHash: row.through_hash.toString('hex'),
      },
    })),
  );
  return removed.reduce((sum, row) => sum + row.removed_count, 0);
}

import type { EntityManager } from '@mikro-orm/postgresql';
import { ApiKey } from '../entities/api-key.ts';
import type { MemberRole } from '../entities/membership.ts';
import { countRows, findRows } from './entity-rows.ts';
import { appendEvents } from './event-store.ts';
import { keyset, toPage, type Page, type PageRequest } from './page.ts';
import type { Sql } from './sql.ts';

export interface NewApiKey {
  workspaceId: string;
  name: string;
  start: string;
  /** SHA-256 of the secret. */
  secretHash: Uint8Array;
  role: MemberRole;
  /** Null: whatever the role may. */
  scopes: readonly string[] | null;
  /** Null: wherever its maker may. */
  projectIds: readonly string[] | null;
  createdBy: string;
  lifetimeMs: number;
}

/** What a key is before it is changed. */
export interface LockedApiKey {
  id: string;
  name: string;
  role: MemberRole;
  scopes: string[] | null;
  projectIds: string[] | null;
  createdBy: string;
  lifetimeMs: number;
  /** Revoked, expired or replaced: not to be changed any more. */
  state: 'OPEN' | 'REVOKED' | 'EXPIRED' | 'REPLACED';
}

/** Writes a key with the event that says so. @returns its id */
export async function insertApiKey(sql: Sql, key: NewApiKey): Promise<string> {
  const [row] = await sql.rows<{ id: string }>(
    `/* insertApiKey */
    insert into api_key
      (workspace_id, name, start, secret_hash, role, scopes, project_ids, created_by, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8, now() + $9 * interval '1 millisecond') returning id`,
    [
      key.workspaceId,
      key.name,
      key.start,
      Buffer.from(key.secretHash),
      key.role,
      key.scopes,
      key.projectIds,
      key.createdBy,
      key.lifetimeMs,
    ],
  );
  await appendEvents(sql, [keyEvent('key.created', key.workspaceId, row!.id)]);
  return row!.id;
}

/** Locks a key until the transaction ends. Undefined: not of this workspace. */
export async function lockApiKey(
  sql: Sql,
  workspaceId: string,
  id: string,
): Promise<LockedApiKey | undefined> {
  const [row] = await sql.rows<Omit<LockedApiKey, 'lifetimeMs'> & { lifetimeMs: string }>(
    `/* lockApiKey */
    select id, name, role, scopes, project_ids::text[] as "projectIds", created_by as "createdBy",
      (extract(epoch from expires_at - created_at) * 1000)::text as "lifetimeMs",
      case when revoked_at is not null then 'REVOKED' when replaced_by is not null then 'REPLACED'
        when expires_at <= now() then 'EXPIRED' else 'OPEN' end as state
    from api_key where workspace_id = $1 and id = $2 for no key update`,
    [workspaceId, id],
  );
  return row && { ...row, lifetimeMs: Number(row.lifetimeMs) };
}

/** The old key names its successor and ends after the overlap: at once without one. */
export async function replaceApiKey(
  sql: Sql,
  workspaceId: string,
  { id, replacedBy, overlapHours }: { id: string; replacedBy: string; overlapHours: number },
): Promise<void> {
  await sql.rows(
    `/* replaceApiKey */
    update api_key set replaced_by = $3,
      expires_at = least(expires_at, now() + $4::float8 * interval '1 hour'),
      revoked_at = case when $4::float8 = 0 then now() end
    where workspace_id = $1 and id = $2`,
    [workspaceId, id, replacedBy, overlapHours],
  );
  await appendEvents(sql, [keyEvent('key.rotated', workspaceId, id)]);
}

/** @returns false when it was revoked before */
export async function revokeApiKey(sql: Sql, workspaceId: string, id: string): Promise<boolean> {
  const revoked = await sql.rows(
    `/* revokeApiKey */
    update api_key set revoked_at = now() where workspace_id = $1 and id = $2 and revoked_at is null returning id`,
    [workspaceId, id],
  );
  if (revoked.length > 0) await appendEvents(sql, [keyEvent('key.revoked', workspaceId, id)]);
  return revoked.length > 0;
}

/** The keys somebody made end with their membership. */
export async function revokeKeysOf(sql: Sql, workspaceId: string, userId: string): Promise<void> {
  const revoked = await sql.rows<{ id: string }>(
    `/* revokeKeysOf */
    update api_key set revoked_at = now()
    where workspace_id = $1 and created_by = $2 and revoked_at is null returning id`,
    [workspaceId, userId],
  );
  await appendEvents(
    sql,
    revoked.map(({ id }) => keyEvent('key.revoked', workspaceId, id)),
  );
}

export interface ApiKeyFilter {
  /** Only those this person made. */
  createdBy?: string | undefined;
  includeRevoked?: boolean | undefined;
}

const keyConditions = (workspaceId: string, { createdBy, includeRevoked }: ApiKeyFilter) => ({
  workspaceId,
  ...(createdBy === undefined ? {} : { createdBy }),
  ...(includeRevoked ? {} : { revokedAt: null }),
});

/** Newest first. */
export async function listApiKeys(
  em: EntityManager,
  workspaceId: string,
  page: PageRequest,
  filter: ApiKeyFilter,
): Promise<Page<ApiKey>> {
  const { id, order, limit } = keyset(page);
  const where = { ...keyConditions(workspaceId, filter), id };
  return toPage(page, await findRows(em, ApiKey, where, { orderBy: { id: order }, limit }));
}

export function countApiKeys(em: EntityManager, workspaceId: string, filter: ApiKeyFilter): Promise<number> {
  return countRows(em, ApiKey, keyConditions(workspaceId, filter));
}

export function findApiKeys(
  em: EntityManager,
  workspaceId: string,
  ids: readonly string[],
): Promise<ApiKey[]> {
  return findRows(em, ApiKey, { workspaceId, id: { $in: [...ids] } });
}

/** Notes when keys were last used. */
export async function touchApiKeys(
  sql: Sql,
  used: readonly { id: string; /** ms since 1970 */ at: number }[],
): Promise<void> {
  await sql.rows(
    `/* touchApiKeys */
    update api_key set last_used_at = greatest(last_used_at, to_timestamp(used.at / 1000.0))
    from unnest($1::uuid[], $2::float8[]) as used (id, at) where api_key.id = used.id`,
    [used.map(({ id }) => id), used.map(({ at }) => at)],
  );
}

function keyEvent(type: string, workspaceId: string, id: string) {
  return { workspaceId, type, subjectId: id, payload: { apiKeyId: id } };
}

import type { EntityManager } from '@mikro-orm/postgresql';
import {
  Membership,
  ProjectGrant,
  type Grant,
  type MemberRole,
  type ProjectAccess,
} from '../entities/membership.ts';
import { countRows, findRows } from './entity-rows.ts';
import { appendEvents } from './event-store.ts';
import { toPage, type Page, type PageRequest } from './page.ts';
import type { Sql } from './sql.ts';

export interface MemberAccess {
  role: MemberRole;
  projectAccess: ProjectAccess;
  grants: readonly Grant[];
}

export type LockedMember = Omit<MemberAccess, 'grants'>;

export interface MemberKey {
  workspaceId: string;
  userId: string;
}

/**
 * Makes somebody a member, with the event that says so. Grants of projects that are gone are left out.
 * @returns false, and nothing is changed, when they are one already
 */
export async function addMember(sql: Sql, member: MemberKey & MemberAccess): Promise<boolean> {
  const { workspaceId, userId, role, projectAccess, grants } = member;
  const inserted = await sql.rows(
    `/* addMember */
    insert into membership (workspace_id, user_id, role, project_access) values ($1, $2, $3, $4)
    on conflict do nothing returning user_id`,
    [workspaceId, userId, role, projectAccess],
  );
  if (inserted.length === 0) return false;
  await insertGrants(sql, member, grants);
  await appendEvents(sql, [memberEvent('member.joined', member)]);
  return true;
}

/** Makes somebody an owner, whatever they were; when they are one, nothing happens. */
export async function makeOwner(sql: Sql, key: MemberKey): Promise<void> {
  const owner = { ...key, role: 'OWNER', projectAccess: 'ALL', grants: [] } as const;
  if (await addMember(sql, owner)) return;
  if ((await lockMember(sql, key))?.role !== 'OWNER') await updateMember(sql, owner);
}

/** Locks the member until the transaction ends. Undefined: not a member. */
export async function lockMember(
  sql: Sql,
  { workspaceId, userId }: MemberKey,
): Promise<LockedMember | undefined> {
  return (await lockMembers(sql, workspaceId, [userId])).get(userId);
}

/**
 * The same for several, in the order of their ids: two who change each other wait and do not block each other.
 * @returns those who are members, by id
 */
export async function lockMembers(
  sql: Sql,
  workspaceId: string,
  userIds: readonly string[],
): Promise<Map<string, LockedMember>> {
  const members = await sql.rows<LockedMember & { userId: string }>(
    `/* lockMembers */
    select user_id as "userId", role, project_access as "projectAccess" from membership
    where workspace_id = $1 and user_id = any($2::uuid[]) order by user_id for no key update`,
    [workspaceId, userIds],
  );
  return new Map(members.map(({ userId, ...member }) => [userId, member]));
}

/** @throws the database's refusal (see `isLastOwnerError`) when nobody would own the workspace any more */
export async function updateMember(sql: Sql, member: MemberKey & MemberAccess): Promise<void> {
  const { workspaceId, userId, role, projectAccess, grants } = member;
  await sql.rows(
    `/* updateMember */
    update membership set role = $3, project_access = $4, version = version + 1
    where workspace_id = $1 and user_id = $2`,
    [workspaceId, userId, role, projectAccess],
  );
  await sql.rows(`/* dropGrants */ delete from project_grant where workspace_id = $1 and user_id = $2`, [
    workspaceId,
    userId,
  ]);
  await insertGrants(sql, member, grants);
  await appendEvents(sql, [memberEvent('member.changed', member)]);
}

/**
 * Ends a membership and its grants.
 * @returns false when there is none
 * @throws the database's refusal (see `isLastOwnerError`) when nobody would own the workspace any more
 */
export async function removeMember(sql: Sql, key: MemberKey): Promise<boolean> {
  const removed = await sql.rows(
    `/* removeMember */ delete from membership where workspace_id = $1 and user_id = $2 returning user_id`,
    [key.workspaceId, key.userId],
  );
  if (removed.length === 0) return false;
  await appendEvents(sql, [memberEvent('member.removed', key)]);
  return true;
}

/** Of one member, those of projects that exist. */
export function readGrants(sql: Sql, { workspaceId, userId }: MemberKey): Promise<Grant[]> {
  return sql.rows(
    `/* readGrants */
    select project_id as "projectId", role from project_grant where workspace_id = $1 and user_id = $2
    order by project_id`,
    [workspaceId, userId],
  );
}

/** Whether a statement was refused because a workspace keeps at least one owner. */
export function isLastOwnerError(error: unknown): boolean {
  for (let current = error; current instanceof Error; current = current.cause) {
    if ('constraint' in current && current.constraint === 'membership_keeps_owner') return true;
  }
  return false;
}

/** Newest first, as far as ids tell; the cursor is the id of the user. */
export async function listMembers(
  em: EntityManager,
  workspaceId: string,
  page: PageRequest,
): Promise<Page<Membership>> {
  const userId = {
    ...(page.after ? { $lt: page.after } : {}),
    ...(page.before ? { $gt: page.before } : {}),
  };
  const rows = await findRows(
    em,
    Membership,
    { workspaceId, userId },
    { orderBy: { userId: page.backward ? 'asc' : 'desc' }, limit: page.limit + 1 },
  );
  return toPage(page, rows);
}

export function findMembers(
  em: EntityManager,
  workspaceId: string,
  userIds: readonly string[],
): Promise<Membership[]> {
  return findRows(em, Membership, { workspaceId, userId: { $in: [...userIds] } });
}

export function countMembers(em: EntityManager, workspaceId: string): Promise<number> {
  return countRows(em, Membership, { workspaceId });
}

export function grantsOfMembers(
  em: EntityManager,
  workspaceId: string,
  userIds: readonly string[],
): Promise<ProjectGrant[]> {
  return findRows(
    em,
    ProjectGrant,
    { workspaceId, userId: { $in: [...userIds] } },
    { orderBy: { projectId: 'asc' } },
  );
}

/** Whether any workspace has an owner: then the hive is set up. */
export async function hasOwner(sql: Sql): Promise<boolean> {
  const [row] = await sql.rows<{ found: boolean }>(
    `/* hasOwner */ select exists (select 1 from membership where role = 'OWNER') as found`,
  );
  return row!.found;
}

/** Users who own a workspace, the longest-standing owner first. */
export async function listOwners(sql: Sql): Promise<string[]> {
  const rows = await sql.rows<{ userId: string }>(
    `/* listOwners */
    select user_id as "userId" from membership where role = 'OWNER' group by user_id order by min(created_at), user_id`,
  );
  return rows.map(({ userId }) => userId);
}

/** Of any workspace. */
export async function isMember(sql: Sql, userId: string): Promise<boolean> {
  const [row] = await sql.rows<{ found: boolean }>(
    `/* isMember */ select exists (select 1 from membership where user_id = $1) as found`,
    [userId],
  );
  return row!.found;
}

/** Notes when people were last seen where, for the workspace they come back to. */
export async function touchMembers(
  sql: Sql,
  seen: readonly (MemberKey & { /** ms since 1970 */ at: number })[],
): Promise<void> {
  await sql.rows(
    `/* touchMembers */
    update membership set last_seen_at = greatest(last_seen_at, to_timestamp(seen.at / 1000.0))
    from unnest($1::uuid[], $2::uuid[], $3::float8[]) as seen (workspace_id, user_id, at)
    where membership.workspace_id = seen.workspace_id and membership.user_id = seen.user_id`,
    [seen.map(({ workspaceId }) => workspaceId), seen.map(({ userId }) => userId), seen.map(({ at }) => at)],
  );
}

async function insertGrants(
  sql: Sql,
  { workspaceId, userId }: MemberKey,
  grants: readonly Grant[],
): Promise<void> {
  if (grants.length === 0) return;
  await sql.rows(
    `/* insertGrants */
    insert into project_grant (workspace_id, user_id, project_id, role)
    select $1, $2, project.id, given.role
    from unnest($3::uuid[], $4::text[]) as given (project_id, role)
    join project on project.workspace_id = $1 and project.id = given.project_id`,
    [workspaceId, userId, grants.map(({ projectId }) => projectId), grants.map(({ role }) => role)],
  );
}

function memberEvent(type: string, { workspaceId, userId }: MemberKey) {
  return { workspaceId, type, subjectId: userId, payload: { userId } };
}

import type { EntityManager } from '@mikro-orm/postgresql';
import { Invitation } from '../entities/invitation.ts';
import type { Grant, MemberRole, ProjectAccess } from '../entities/membership.ts';
import { findRows } from './entity-rows.ts';
import { addMember } from './member-store.ts';
import type { Sql } from './sql.ts';

export interface NewInvitation {
  workspaceId: string;
  /** SHA-256 of the token. */
  tokenHash: Uint8Array;
  role: MemberRole;
  projectAccess: ProjectAccess;
  grants: readonly Grant[];
  note: string;
  invitedBy: string;
  expiresInHours: number;
}

export interface OpenInvitation {
  id: string;
  workspaceId: string;
  workspaceName: string;
  role: MemberRole;
  projectAccess: ProjectAccess;
  grants: Grant[];
  /** ms since 1970 */
  expiresAt: number;
}

/** @returns its id */
export async function insertInvitation(sql: Sql, invitation: NewInvitation): Promise<string> {
  const { workspaceId, tokenHash, role, projectAccess, grants, note, invitedBy } = invitation;
  const [row] = await sql.rows<{ id: string }>(
    `/* insertInvitation */
    insert into invitation (workspace_id, token_hash, role, project_access, grants, note, invited_by, expires_at)
    values ($1, $2, $3, $4, $5, $6, $7, now() + $8 * interval '1 hour') returning id`,
    [
      workspaceId,
      Buffer.from(tokenHash),
      role,
      projectAccess,
      JSON.stringify(grants),
      note,
      invitedBy,
      invitation.expiresInHours,
    ],
  );
  return row!.id;
}

/** What a link opens, as long as nobody accepted or revoked it and it has not expired. Not for the rights of one workspace. */
export async function findOpenInvitation(
  sql: Sql,
  tokenHash: Uint8Array,
): Promise<OpenInvitation | undefined> {
  const [row] = await sql.rows<Omit<OpenInvitation, 'expiresAt'> & { expiresAt: string }>(
    `/* findOpenInvitation */
    select invitation.id, workspace_id as "workspaceId", workspace.name as "workspaceName", role,
      project_access as "projectAccess", grants, (extract(epoch from expires_at) * 1000)::text as "expiresAt"
    from invitation join workspace on workspace.id = workspace_id
    where token_hash = $1 and accepted_at is null and revoked_at is null and expires_at > now()`,
    [Buffer.from(tokenHash)],
  );
  return row && { ...row, expiresAt: Number(row.expiresAt) };
}

/**
 * Makes the user a member as the invitation says, once: two who use the link at the same moment wait for each other.
 * @returns GONE when the link is not open any more; MEMBER, with the link left open, when they are one already
 */
export async function acceptInvitation(
  sql: Sql,
  tokenHash: Uint8Array,
  userId: string,
): Promise<
  | { outcome: 'JOINED' | 'MEMBER'; invitationId: string; workspaceId: string; role: MemberRole }
  | { outcome: 'GONE' }
> {
  const [locked] = await sql.rows(
    `/* lockInvitation */ select id from invitation where token_hash = $1 for no key update`,
    [Buffer.from(tokenHash)],
  );
  const invitation = locked ? await findOpenInvitation(sql, tokenHash) : undefined;
  if (!invitation) return { outcome: 'GONE' };
  const { id: invitationId, workspaceId, role } = invitation;
  if (!(await addMember(sql, { ...invitation, userId })))
    return { outcome: 'MEMBER', invitationId, workspaceId, role };
  await sql.rows(
    `/* acceptInvitation */ update invitation set accepted_by = $2, accepted_at = now() where id = $1`,
    [invitationId, userId],
  );
  return { outcome: 'JOINED', invitationId, workspaceId, role };
}

/** Locks an invitation until the transaction ends. Undefined: not of this workspace. */
export async function lockInvitation(
  sql: Sql,
  workspaceId: string,
  id: string,
): Promise<{ role: MemberRole; accepted: boolean; revoked: boolean } | undefined> {
  const [row] = await sql.rows<{ role: MemberRole; accepted: boolean; revoked: boolean }>(
    `/* lockInvitationById */
    select role, accepted_at is not null as accepted, revoked_at is not null as revoked from invitation
    where workspace_id = $1 and id = $2 for no key update`,
    [workspaceId, id],
  );
  return row;
}

export async function revokeInvitation(sql: Sql, workspaceId: string, id: string): Promise<void> {
  await sql.rows(
    `/* revokeInvitation */
    update invitation set revoked_at = now()
    where workspace_id = $1 and id = $2 and accepted_at is null and revoked_at is null`,
    [workspaceId, id],
  );
}

/** Open invitations end with the right to give what they give. @param roles only those that would give one of these */
export async function revokeInvitationsOf(
  sql: Sql,
  workspaceId: string,
  userId: string,
  roles: readonly MemberRole[],
): Promise<void> {
  await sql.rows(
    `/* revokeInvitationsOf */
    update invitation set revoked_at = now()
    where workspace_id = $1 and invited_by = $2 and role = any($3::text[])
      and accepted_at is null and revoked_at is null`,
    [workspaceId, userId, roles],
  );
}

/** Those that were neither accepted nor revoked, newest first; expired ones too, so that they can be seen and made anew. */
export function listInvitations(em: EntityManager, workspaceId: string): Promise<Invitation[]> {
  return findRows(
    em,
    Invitation,
    { workspaceId, acceptedAt: null, revokedAt: null },
    { orderBy: { id: 'desc' }, limit: 200 },
  );
}

export function findInvitations(
  em: EntityManager,
  workspaceId: string,
  ids: readonly string[],
): Promise<Invitation[]> {
  return findRows(em, Invitation, { workspaceId, id: { $in: [...ids] } });
}

import { z } from 'zod';
import { higherRole, isAtLeast, roles, type Role } from '../engines/security/actor.ts';
import type { Grant, ProjectAccess } from '../entities/membership.ts';
import { ForbiddenError, NotFoundError, ValidationError } from '../lib/errors.ts';
import { revokeInvitationsOf } from '../stores/invitation-store.ts';
import {
  lockMember,
  lockMembers,
  type LockedMember,
  type MemberAccess,
  type MemberKey,
} from '../stores/member-store.ts';
import { assertInWorkspace } from '../stores/reference-check.ts';
import type { Sql } from '../stores/sql.ts';
import type { Scope } from './transaction.ts';

export const roleSchema = z.enum(roles);
export const accessSchema = z.enum(['ALL', 'GRANTED']);
export const grantsSchema = z
  .array(
    z.object({
      projectId: z.uuid(),
      role: roleSchema.refine((role) => role !== 'OWNER', 'must be ADMIN, OPERATOR or VIEWER in a project'),
    }),
  )
  .max(100, 'must name at most 100 projects')
  .refine(
    (grants) => new Set(grants.map(({ projectId }) => projectId)).size === grants.length,
    'must name each project once',
  );

export interface AccessInput {
  role: Role;
  /** Absent: ALL for those who run the workspace, else as before. */
  projectAccess?: ProjectAccess | null | undefined;
  grants: readonly Grant[];
}

/** @throws ValidationError when role, access and grants make no sense together */
export function toMemberAccess(input: AccessInput, before: ProjectAccess = 'ALL'): MemberAccess {
  const { role, grants } = input;
  const runsWorkspace = isAtLeast(role, 'ADMIN');
  const projectAccess = input.projectAccess ?? (runsWorkspace ? 'ALL' : before);
  if (projectAccess === 'GRANTED' && runsWorkspace) {
    const message = `must be ALL for the role ${role}: owners and admins see the whole workspace`;
    throw new ValidationError([{ path: 'projectAccess', message, value: projectAccess }]);
  }
  if (projectAccess === 'GRANTED' && grants.length === 0) {
    const message = 'must name at least one project when projectAccess is GRANTED';
    throw new ValidationError([{ path: 'grants', message }]);
  }
  return { role, projectAccess, grants };
}

/** The highest of what would be given: nobody gives more than they have. */
export function highestOf({ role, grants }: MemberAccess): Role {
  return grants.reduce<Role>((best, grant) => higherRole(best, grant.role)!, role);
}

/** @throws NotFoundError naming the first project the workspace does not have */
export async function assertProjects(
  sql: Sql,
  workspaceId: string,
  projectIds: readonly string[],
): Promise<void> {
  for (const projectId of projectIds) await assertInWorkspace(sql, 'project', workspaceId, projectId);
}

/**
 * Holds whoever makes a key or an invitation in their membership until it is written: removing them at the same moment then
 * finds and ends it.
 * @throws ForbiddenError when they are gone, or below what they were when the request began
 */
export async function holdMaker(sql: Sql, action: string, maker: MemberKey, role: Role): Promise<void> {
  assertStill(await lockMember(sql, maker), action, role);
}

/**
 * Locks a member that somebody wants to change, and whoever does: what an actor was recognised as may be a second old, and
 * who was demoted or removed in it could else undo just that.
 * @throws ForbiddenError as `holdMaker`; NotFoundError when there is no such member
 */
export async function holdBoth(
  sql: Sql,
  { actor, workspaceId }: Scope,
  action: string,
  userId: string,
): Promise<LockedMember> {
  // Whoever is at the machine while nobody owns the hive is a member of nothing; one of another workspace is refused as such.
  const actorId = actor.workspaceId === workspaceId ? actor.userId : undefined;
  const locked = await lockMembers(sql, workspaceId, actorId === undefined ? [userId] : [userId, actorId]);
  if (actorId !== undefined) assertStill(locked.get(actorId), action, actor.role);
  const member = locked.get(userId);
  if (!member) throw new NotFoundError('Member', userId);
  return member;
}

function assertStill(member: LockedMember | undefined, action: string, role: Role): void {
  if (member && isAtLeast(member.role, role)) return;
  throw new ForbiddenError('ROLE', action, 'Your role in the workspace has just been changed.');
}

/** Open invitations end when whoever made them may no longer give what they give. */
export async function endInvitationsBeyond(sql: Sql, inviter: MemberKey, role: Role | null): Promise<void> {
  const mayInvite = role !== null && isAtLeast(role, 'ADMIN');
  const beyond = roles.filter((given) => !mayInvite || !isAtLeast(role, given));
  await revokeInvitationsOf(sql, inviter.workspaceId, inviter.userId, beyond);
}

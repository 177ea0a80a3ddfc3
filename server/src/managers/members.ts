import { z } from 'zod';
import type { Grant, MemberRole, Membership } from '../entities/membership.ts';
import { InvalidStateError, NotFoundError } from '../lib/errors.ts';
import { isUuid } from '../lib/ids.ts';
import { revokeKeysOf } from '../stores/api-key-store.ts';
import {
  countMembers,
  findMembers,
  grantsOfMembers,
  isLastOwnerError,
  listMembers,
  lockMember,
  readGrants,
  removeMember,
  updateMember,
  type MemberAccess,
  type MemberKey,
} from '../stores/member-store.ts';
import type { Page, PageRequest } from '../stores/page.ts';
import type { Sql } from '../stores/sql.ts';
import { forkForTenant } from '../stores/tenancy.ts';
import { assertAllowed, auditedChange, isAllowed } from './authorise.ts';
import { parseInput } from './input.ts';
import {
  accessSchema,
  assertProjects,
  endInvitationsBeyond,
  grantsSchema,
  highestOf,
  holdBoth,
  roleSchema,
  toMemberAccess,
} from './member-access.ts';
import type { SecurityManagerDeps } from './security-manager.ts';
import type { Scope } from './transaction.ts';
import { personOf, wholeWorkspace } from './workspaces.ts';

const idempotencyKey = z.string().nullish();
const changeMemberInput = z.object({
  memberId: z.uuid(),
  role: roleSchema.nullish(),
  projectAccess: accessSchema.nullish(),
  grants: grantsSchema.nullish(),
  idempotencyKey,
});
export type ChangeMemberInput = z.input<typeof changeMemberInput>;
interface Keyed {
  idempotencyKey?: string | null | undefined;
}

/** A member as others of the workspace see them. */
export interface Member {
  /** Of the user. */
  id: string;
  workspaceId: string;
  role: MemberRole;
  projectAccess: Membership['projectAccess'];
  /** Those of projects the viewer sees. */
  grants: Grant[];
  version: number;
  createdAt: Membership['createdAt'];
  /** Null for those who may not read how to reach the member either. */
  lastSeenAt: Membership['lastSeenAt'];
}

/**
 * Ends a membership with all that hangs on it. It is locked first: a key or invitation that the member makes at the same moment
 * is either seen here, or refused there.
 * @returns false when there is none
 * @throws InvalidStateError for the last owner
 */
export async function endMembership(sql: Sql, member: MemberKey): Promise<boolean> {
  if (!(await lockMember(sql, member))) return false;
  await revokeKeysOf(sql, member.workspaceId, member.userId);
  await endInvitationsBeyond(sql, member, null);
  return keepingAnOwner(() => removeMember(sql, member));
}

async function keepingAnOwner<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isLastOwnerError(error)) throw error;
    throw new InvalidStateError(
      'A workspace keeps at least one owner. Make another member an owner first.',
      'LAST_OWNER',
    );
  }
}

type Deps = Pick<SecurityManagerDeps, 'orm' | 'onDenied' | 'onChanged'>;

export function createMembers(deps: Deps) {
  const emOf = ({ workspaceId }: Scope) => forkForTenant(deps.orm, { workspaceId });

  async function toMembers(scope: Scope, rows: readonly Membership[]): Promise<Member[]> {
    const { workspaceId, projectIds } = scope;
    const grants =
      rows.length === 0
        ? []
        : await grantsOfMembers(
            emOf(scope),
            workspaceId,
            rows.map(({ userId }) => userId),
          );
    return rows.map((row) => {
      const { userId, lastSeenAt, ...rest } = row;
      const own = grants.filter(
        (grant) => grant.userId === userId && (!projectIds || projectIds.includes(grant.projectId)),
      );
      return {
        ...rest,
        id: userId,
        lastSeenAt: isAllowed(scope, 'member.readContact', { ownerId: userId }) ? lastSeenAt : null,
        grants: own.map(({ projectId, role }) => ({ projectId, role })),
      };
    });
  }
  const memberOf = async (scope: Scope, userId: string): Promise<Member> => {
    const rows = await findMembers(emOf(scope), scope.workspaceId, [userId]);
    const [member] = await toMembers(scope, rows);
    if (!member) throw new NotFoundError('Member', userId);
    return member;
  };

  return {
    async members(scope: Scope, page: PageRequest): Promise<Page<Member>> {
      assertAllowed(scope, 'member.read');
      const { rows, ...rest } = await listMembers(emOf(scope), scope.workspaceId, page);
      return { ...rest, rows: await toMembers(scope, rows) };
    },

    async countMembers(scope: Scope): Promise<number> {
      assertAllowed(scope, 'member.read');
      return countMembers(emOf(scope), scope.workspaceId);
    },

    /** Those of the ids that are members, in no order. */
    async findMembers(scope: Scope, userIds: readonly string[]): Promise<Member[]> {
      assertAllowed(scope, 'member.read');
      const rows = await findMembers(emOf(scope), scope.workspaceId, userIds.filter(isUuid));
      return toMembers(scope, rows);
    },

    /**
     * Changes what is given and leaves the rest. Invitations that the member could no longer make end.
     * @throws InvalidStateError for the last owner
     */
    async changeMember(scope: Scope, rawInput: ChangeMemberInput): Promise<Member> {
      const { idempotencyKey: key, ...input } = parseInput(changeMemberInput, rawInput);
      const member = { workspaceId: scope.workspaceId, userId: input.memberId };
      let before: MemberAccess | undefined;
      let after: MemberAccess | undefined;
      await auditedChange(
        deps,
        wholeWorkspace(scope),
        {
          ...{ operation: 'changeMember', action: 'member.change', input, idempotencyKey: key },
          subject: { type: 'Member', id: member.userId },
          async resource(sql) {
            const locked = await holdBoth(sql, scope, 'member.change', member.userId);
            before = { ...locked, grants: await readGrants(sql, member) };
            const { role, projectAccess, grants } = input;
            const wanted = { role: role ?? before.role, projectAccess, grants: grants ?? before.grants };
            after = toMemberAccess(wanted, before.projectAccess);
            return { memberRole: before.role, grantedRole: highestOf(after) };
          },
          detail: () => ({ before: accessJson(before!), after: accessJson(after!) }),
        },
        async (sql) => {
          const projectIds = input.grants?.map(({ projectId }) => projectId) ?? [];
          await assertProjects(sql, member.workspaceId, projectIds);
          await keepingAnOwner(() => updateMember(sql, { ...member, ...after! }));
          await endInvitationsBeyond(sql, member, after!.role);
          return member.userId;
        },
      );
      deps.onChanged();
      return memberOf(scope, member.userId);
    },

    /**
     * Ends a membership, the keys the member made and the invitations they left open. Their sessions go on elsewhere.
     * @returns the id of the user
     * @throws InvalidStateError for the last owner
     */
    async removeMember(scope: Scope, rawInput: { memberId: string } & Keyed): Promise<string> {
      const { idempotencyKey: key, ...input } = parseInput(
        z.object({ memberId: z.uuid(), idempotencyKey }),
        rawInput,
      );
      const member = { workspaceId: scope.workspaceId, userId: input.memberId };
      const { id } = await auditedChange(
        deps,
        wholeWorkspace(scope),
        {
          ...{ operation: 'removeMember', action: 'member.remove', input, idempotencyKey: key },
          subject: { type: 'Member', id: member.userId },
          resource: async (sql) => ({
            memberRole: (await holdBoth(sql, scope, 'member.remove', member.userId)).role,
          }),
        },
        async (sql) => {
          await endMembership(sql, member);
          return member.userId;
        },
      );
      deps.onChanged();
      return id;
    },

    /** The same for oneself. @returns the id of the workspace that was left */
    async leaveWorkspace(scope: Scope, input: Keyed): Promise<string> {
      const { workspaceId } = scope;
      await auditedChange(
        deps,
        wholeWorkspace(scope),
        {
          ...{ operation: 'leaveWorkspace', action: 'member.leave', input: {} },
          ...{ idempotencyKey: input.idempotencyKey, subject: { type: 'Member' } },
          async resource(sql) {
            const member = await lockMember(sql, { workspaceId, userId: personOf(scope) });
            return member ? { memberRole: member.role } : {};
          },
        },
        async (sql) => {
          const userId = personOf(scope);
          if (!(await endMembership(sql, { workspaceId, userId }))) throw new NotFoundError('Member', userId);
          return userId;
        },
      );
      deps.onChanged();
      return workspaceId;
    },
  };
}

function accessJson({ role, projectAccess, grants }: MemberAccess) {
  return {
    role,
    projectAccess,
    grants: grants.map(({ projectId, role: granted }) => ({ projectId, role: granted })),
  };
}

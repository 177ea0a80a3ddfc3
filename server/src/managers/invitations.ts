import { createHash, randomBytes } from 'node:crypto';
import { z } from 'zod';
import type { Invitation } from '../entities/invitation.ts';
import { InvalidStateError, NotFoundError } from '../lib/errors.ts';
import {
  findInvitations,
  insertInvitation,
  listInvitations,
  lockInvitation,
  revokeInvitation,
} from '../stores/invitation-store.ts';
import { forkForTenant } from '../stores/tenancy.ts';
import { assertAllowed, auditedChange } from './authorise.ts';
import { parseInput, plainText } from './input.ts';
import {
  accessSchema,
  assertProjects,
  grantsSchema,
  highestOf,
  holdMaker,
  roleSchema,
  toMemberAccess,
} from './member-access.ts';
import type { SecurityManagerDeps } from './security-manager.ts';
import type { Scope } from './transaction.ts';
import { personOf, wholeWorkspace } from './workspaces.ts';

const idempotencyKey = z.string().nullish();
const inviteMemberInput = z.object({
  role: roleSchema,
  projectAccess: accessSchema.nullish(),
  grants: grantsSchema.nullish(),
  note: z.union([z.literal(''), plainText(200)]).nullish(),
  expiresInHours: z.int().min(1).max(720).nullish(),
  idempotencyKey,
});
const defaultHours = 72;
export type InviteMemberInput = z.input<typeof inviteMemberInput>;

export interface InvitationLink {
  invitation: Invitation;
  /** Shown this once; null when the call was a repeat: revoke the invitation and make another one. */
  url: string | null;
}

type Deps = Pick<SecurityManagerDeps, 'orm' | 'onDenied' | 'baseUrl'>;

export function createInvitations(deps: Deps) {
  const emOf = ({ workspaceId }: Scope) => forkForTenant(deps.orm, { workspaceId });
  const invitationOf = async (scope: Scope, id: string): Promise<Invitation> => {
    const [invitation] = await findInvitations(emOf(scope), scope.workspaceId, [id]);
    if (!invitation) throw new NotFoundError('Invitation', id);
    return invitation;
  };

  return {
    /** Makes a link that lets one person join. @throws ValidationError, NotFoundError for a project */
    async inviteMember(scope: Scope, rawInput: InviteMemberInput): Promise<InvitationLink> {
      const { idempotencyKey: key, ...input } = parseInput(inviteMemberInput, rawInput);
      const access = toMemberAccess({ ...input, grants: input.grants ?? [] });
      const token = randomBytes(32).toString('base64url');
      const { workspaceId } = scope;
      const expiresInHours = input.expiresInHours ?? defaultHours;
      const change = {
        ...{ operation: 'inviteMember', action: 'member.invite' as const, input, idempotencyKey: key },
        ...{ resource: { grantedRole: highestOf(access) }, subject: { type: 'Invitation' } },
        // Not the note, which may well name somebody.
        detail: { ...access, grants: access.grants.map((grant) => ({ ...grant })), expiresInHours },
      };
      const { id, repeated } = await auditedChange(deps, wholeWorkspace(scope), change, async (sql) => {
        const invitedBy = personOf(scope);
        await holdMaker(sql, change.action, { workspaceId, userId: invitedBy }, scope.actor.role);
        await assertProjects(
          sql,
          workspaceId,
          access.grants.map(({ projectId }) => projectId),
        );
        const tokenHash = createHash('sha256').update(token).digest();
        const note = input.note ?? '';
        return insertInvitation(sql, { ...access, workspaceId, tokenHash, note, invitedBy, expiresInHours });
      });
      const invitation = await invitationOf(scope, id);
      // Behind the hash, so that no log of requests ever has it.
      return { invitation, url: repeated ? null : `${deps.baseUrl(scope)}/join#token=${token}` };
    },

    /** Revoking a revoked invitation is a success. @throws InvalidStateError when it was accepted */
    async revokeInvitation(
      scope: Scope,
      rawInput: { invitationId: string; idempotencyKey?: string | null | undefined },
    ): Promise<Invitation> {
      const { idempotencyKey: key, ...input } = parseInput(
        z.object({ invitationId: z.uuid(), idempotencyKey }),
        rawInput,
      );
      const { workspaceId } = scope;
      const { invitationId } = input;
      let accepted = false;
      const change = {
        ...{ operation: 'revokeInvitation', action: 'member.invite' as const, input, idempotencyKey: key },
        subject: { type: 'Invitation', id: invitationId },
      };
      await auditedChange(
        deps,
        wholeWorkspace(scope),
        {
          ...change,
          async resource(sql) {
            const found = await lockInvitation(sql, workspaceId, invitationId);
            if (!found) throw new NotFoundError('Invitation', invitationId);
            accepted = found.accepted;
            // Taking an offer back needs the rank to make it, but no step-up: an owner's is as far from admins as one of them.
            return found.role === 'OWNER' ? { memberRole: 'ADMIN' } : { grantedRole: found.role };
          },
        },
        async (sql) => {
          if (accepted)
            throw new InvalidStateError(
              'The invitation was accepted already. Remove the member instead.',
              'ACCEPTED',
            );
          await revokeInvitation(sql, workspaceId, invitationId);
          return invitationId;
        },
      );
      return invitationOf(scope, invitationId);
    },

    /** Those that nobody accepted or revoked, newest first. */
    async invitations(scope: Scope): Promise<Invitation[]> {
      assertAllowed(scope, 'invitation.read');
      return listInvitations(emOf(scope), scope.workspaceId);
    },
  };
}

import type { Invitation } from '../../entities/invitation.ts';
import type { InvitationLink } from '../../managers/invitations.ts';
import { builder } from '../builder.ts';
import { changeErrors, expectFailures } from '../errors.ts';
import { decodeId, encodeId } from '../ids.ts';
import { given, idempotencyKeyField } from '../input.ts';
import { ProjectAccessType, RoleType } from './access-enums.ts';
import { parseGrants, ProjectGrantInput, ProjectGrantType } from './member.ts';
import { PersonType } from './person.ts';

const InvitationType = builder.objectRef<Invitation>('Invitation').implement({
  description:
    'A link, not used yet, that makes whoever opens it a member. The link itself is shown only once.',
  fields: (t) => ({
    id: t.id({
      description: 'Global id, `Invitation:uuid`; `node` does not load it.',
      resolve: (invitation) => encodeId('Invitation', invitation.id),
    }),
    role: t.field({
      type: RoleType,
      description: 'The role it gives.',
      resolve: (invitation) => invitation.role,
    }),
    projectAccess: t.field({
      type: ProjectAccessType,
      description: 'Which projects it gives access to.',
      resolve: (invitation) => invitation.projectAccess,
    }),
    grants: t.field({
      type: [ProjectGrantType],
      description: 'Roles it gives in single projects.',
      resolve: (invitation) => [...invitation.grants],
    }),
    note: t.exposeString('note', {
      description: 'Whom it is for, in the words of who made it; may be empty.',
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was made.',
      resolve: (invitation) => invitation.createdAt,
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When it stops working.',
      resolve: (invitation) => invitation.expiresAt,
    }),
    invitedBy: t.field({
      type: PersonType,
      description: 'Who made it.',
      resolve: (invitation, _, { loaders }) => loaders.person.load(invitation.invitedBy),
    }),
  }),
});

const InvitationLinkType = builder.objectRef<InvitationLink>('InvitationLink').implement({
  description: 'A new invitation with its link.',
  fields: (t) => ({
    invitation: t.field({
      type: InvitationType,
      description: 'What it gives.',
      resolve: ({ invitation }) => invitation,
    }),
    url: t.string({
      nullable: true,
      description:
        'The link to hand over, which works once. It is shown only here, since only its hash is kept: null for a repeat with the same idempotency key.',
      resolve: ({ url }) => url,
    }),
  }),
});

builder.queryField('invitations', (t) =>
  t.field({
    type: [InvitationType],
    description: 'Invitations that are neither used nor revoked, newest first; one may have expired.',
    resolve: (_, __, { deps, scope }) => deps.securityManager.invitations(scope),
  }),
);

const InviteMemberInput = builder.inputType('InviteMemberInput', {
  description: 'What whoever opens the link may do.',
  fields: (t) => ({
    role: t.field({ type: RoleType, required: true, description: 'Their role; at most one’s own.' }),
    projectAccess: t.field({
      type: ProjectAccessType,
      defaultValue: 'ALL',
      description: 'Which projects they have access to.',
    }),
    grants: t.field({
      type: [ProjectGrantInput],
      description: 'Roles in single projects, at most 100; at least one with access by grants.',
    }),
    note: t.string({ description: 'Whom it is for, up to 200 characters; only members see it.' }),
    expiresInHours: t.int({ description: 'How long the link works, 1 to 720 hours; 72 when absent.' }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const RevokeInvitationInput = builder.inputType('RevokeInvitationInput', {
  description: 'Which invitation to take back.',
  fields: (t) => ({
    invitationId: t.id({ required: true, description: 'The invitation; one that was used cannot be.' }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const RevokedInvitationType = builder.objectRef<{ id: string }>('RevokedInvitation').implement({
  description: 'An invitation that works no longer.',
  fields: (t) => ({
    invitationId: t.id({
      description: 'The global id it had.',
      resolve: ({ id }) => encodeId('Invitation', id),
    }),
  }),
});

builder.mutationFields((t) => ({
  inviteMember: t.field({
    type: InvitationLinkType,
    description: 'Makes a link that lets one person join the workspace.',
    errors: { types: changeErrors, union: { name: 'InviteMemberResult' } },
    args: { input: t.arg({ type: InviteMemberInput, required: true, description: 'What they may do.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const grants = parseGrants(input.grants);
        return deps.securityManager.inviteMember(scope, given({ ...input, grants }));
      }),
  }),
  revokeInvitation: t.field({
    type: RevokedInvitationType,
    description: 'Takes an invitation back: its link works no longer.',
    errors: { types: changeErrors, union: { name: 'RevokeInvitationResult' } },
    args: { input: t.arg({ type: RevokeInvitationInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const invitationId = decodeId('Invitation', input.invitationId, 'invitationId');
        await deps.securityManager.revokeInvitation(
          scope,
          given({ invitationId, idempotencyKey: input.idempotencyKey }),
        );
        return { id: invitationId };
      }),
  }),
}));

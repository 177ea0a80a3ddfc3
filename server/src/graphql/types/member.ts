import type { Grant } from '../../entities/membership.ts';
import type { Member } from '../../managers/members.ts';
import { builder } from '../builder.ts';
import { changeErrors, expectFailures } from '../errors.ts';
import { decodeId, encodeId } from '../ids.ts';
import { given, idempotencyKeyField } from '../input.ts';
import { pageCost, parsePage, toConnection, totalCountDescription } from '../pages.ts';
import { ProjectAccessType, RoleType } from './access-enums.ts';
import { PersonType } from './person.ts';
import { ProjectType } from './project.ts';

export const ProjectGrantType = builder.objectRef<Grant>('ProjectGrant').implement({
  description: 'A role in one project.',
  fields: (t) => ({
    project: t.field({
      type: ProjectType,
      nullable: true,
      description: 'The project; null when you have no access to it yourself.',
      resolve: async (grant, _, { loaders }) => (await loaders.project.load(grant.projectId)) ?? null,
    }),
    role: t.field({
      type: RoleType,
      description: 'What may be done in it, when that is more than the role in the workspace allows.',
      resolve: (grant) => grant.role,
    }),
  }),
});

export const MemberType = builder.objectRef<Member>('Member').implement({
  description: 'A person’s place in the workspace.',
  fields: (t) => ({
    id: t.id({
      description: 'Global id, `Member:uuid` with the uuid of the person; `node` does not load it.',
      resolve: (member) => encodeId('Member', member.id),
    }),
    person: t.field({
      type: PersonType,
      description: 'Who it is.',
      resolve: (member, _, { loaders }) => loaders.person.load(member.id),
    }),
    role: t.field({
      type: RoleType,
      description: 'What they may do in the workspace; with access by grants, in no project.',
      resolve: (member) => member.role,
    }),
    projectAccess: t.field({
      type: ProjectAccessType,
      description: 'Which projects they have access to.',
      resolve: (member) => member.projectAccess,
    }),
    grants: t.field({
      type: [ProjectGrantType],
      description: 'Roles in single projects.',
      resolve: (member) => [...member.grants],
    }),
    joinedAt: t.field({
      type: 'DateTime',
      description: 'When they joined.',
      resolve: (member) => member.createdAt,
    }),
    lastSeenAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When they last used the workspace, to the minute or so: for oneself and for admins; null for others, and when it is not known.',
      resolve: (member) => member.lastSeenAt ?? null,
    }),
    isViewer: t.boolean({
      description: 'True when it is whoever asks.',
      resolve: (member, _, { scope }) => scope.actor.kind === 'USER' && scope.actor.userId === member.id,
    }),
  }),
});

builder.queryField('members', (t) =>
  t.field({
    type: builder.connectionObject(
      {
        type: MemberType,
        name: 'QueryMembersConnection',
        fields: (c) => ({
          totalCount: c.int({
            description: totalCountDescription,
            resolve: (page) => (page as unknown as { count(): Promise<number> }).count(),
          }),
        }),
      },
      { name: 'QueryMembersConnectionEdge' },
    ),
    description: 'Members of the workspace, newest accounts first.',
    args: t.arg.connectionArgs(),
    complexity: pageCost,
    resolve: async (_, args, { deps: { securityManager }, scope }) =>
      toConnection(await securityManager.members(scope, parsePage(args)), () =>
        securityManager.countMembers(scope),
      ),
  }),
);

export const ProjectGrantInput = builder.inputType('ProjectGrantInput', {
  description: 'A role in one project.',
  fields: (t) => ({
    projectId: t.id({ required: true, description: 'The project.' }),
    role: t.field({ type: RoleType, required: true, description: 'What may be done in it; not OWNER.' }),
  }),
});

/** Grants with raw ids, each refusal naming its place. */
export function parseGrants(grants: readonly Grant[] | null | undefined): Grant[] | undefined {
  return grants?.map(({ projectId, role }, index) => ({
    projectId: decodeId('Project', projectId, `grants[${index}].projectId`),
    role,
  }));
}

const ChangeMemberInput = builder.inputType('ChangeMemberInput', {
  description: 'What a member may do from now on; what is absent stays as it is.',
  fields: (t) => ({
    memberId: t.id({ required: true, description: 'The member to change.' }),
    role: t.field({ type: RoleType, description: 'Their role in the workspace.' }),
    projectAccess: t.field({ type: ProjectAccessType, description: 'Which projects they have access to.' }),
    grants: t.field({
      type: [ProjectGrantInput],
      description: 'All their roles in single projects, at most 100; those not listed end.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const RemoveMemberInput = builder.inputType('RemoveMemberInput', {
  description: 'Who is to leave.',
  fields: (t) => ({
    memberId: t.id({ required: true, description: 'The member to remove; not the last owner.' }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const LeaveWorkspaceInput = builder.inputType('LeaveWorkspaceInput', {
  description: 'Leaving needs nothing more.',
  fields: (t) => ({ idempotencyKey: t.string(idempotencyKeyField) }),
});

const RemovedMemberType = builder.objectRef<{ userId: string }>('RemovedMember').implement({
  description: 'A member who is one no longer.',
  fields: (t) => ({
    memberId: t.id({
      description: 'The global id the member had.',
      resolve: ({ userId }) => encodeId('Member', userId),
    }),
  }),
});
const LeftWorkspaceType = builder.objectRef<{ workspaceId: string }>('LeftWorkspace').implement({
  description: 'A workspace whoever asks was a member of until now.',
  fields: (t) => ({
    workspaceId: t.id({
      description: 'Global id of the workspace.',
      resolve: ({ workspaceId }) => encodeId('Workspace', workspaceId),
    }),
  }),
});

builder.mutationFields((t) => ({
  changeMember: t.field({
    type: MemberType,
    description:
      'Changes what a member may do; their open connections end within 2 s and come back with what they may do then.',
    errors: { types: changeErrors, union: { name: 'ChangeMemberResult' } },
    args: { input: t.arg({ type: ChangeMemberInput, required: true, description: 'Who, and what.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const memberId = decodeId('Member', input.memberId, 'memberId');
        const grants = parseGrants(input.grants);
        return deps.securityManager.changeMember(scope, given({ ...input, memberId, grants }));
      }),
  }),
  removeMember: t.field({
    type: RemovedMemberType,
    description: 'Takes a member out of the workspace, with the API keys they made here.',
    errors: { types: changeErrors, union: { name: 'RemoveMemberResult' } },
    args: { input: t.arg({ type: RemoveMemberInput, required: true, description: 'Who.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const memberId = decodeId('Member', input.memberId, 'memberId');
        const userId = await deps.securityManager.removeMember(
          scope,
          given({ memberId, idempotencyKey: input.idempotencyKey }),
        );
        return { userId };
      }),
  }),
  leaveWorkspace: t.field({
    type: LeftWorkspaceType,
    description: 'Ends one’s own membership; the last owner of a workspace cannot leave it.',
    errors: { types: changeErrors, union: { name: 'LeaveWorkspaceResult' } },
    args: { input: t.arg({ type: LeaveWorkspaceInput, required: true, description: 'Nothing more.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const workspaceId = await deps.securityManager.leaveWorkspace(scope, given(input));
        return { workspaceId };
      }),
  }),
}));

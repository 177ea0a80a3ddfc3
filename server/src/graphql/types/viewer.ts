import { effectivePermissions, stepUpMs, type Permission } from '../../engines/security/decide.ts';
import { builder } from '../builder.ts';
import type { Scope } from '../context.ts';
import { encodeId } from '../ids.ts';
import { ActorKindType, RefusalReasonType, RoleType } from './access-enums.ts';
import { PersonType } from './person.ts';
import { WorkspaceMembershipType } from './workspace.ts';

const PermissionType = builder.objectRef<Permission>('Permission').implement({
  description:
    'Whether something may be done in the workspace. What is one’s own, such as a key one made, may be open where this says ROLE.',
  fields: (t) => ({
    action: t.exposeString('action', { description: 'What, for example `agent.retire`.' }),
    allowed: t.boolean({
      description:
        'True also when only some projects allow it; a single thing may still be refused for its project, rank or risk.',
      resolve: ({ decision }) => decision.allowed,
    }),
    projectIds: t.idList({
      nullable: true,
      description:
        'The only projects that allow it, and then nothing that belongs to none does; null where no project limits it.',
      resolve: ({ projectIds }) => projectIds?.map((id) => encodeId('Project', id)) ?? null,
    }),
    reason: t.field({
      type: RefusalReasonType,
      nullable: true,
      description: 'Which rule refuses it; null when it is allowed.',
      resolve: ({ decision }) => (decision.allowed ? null : decision.reason),
    }),
    message: t.string({
      nullable: true,
      description: 'Why, for people, and what would change it; null when it is allowed.',
      resolve: ({ decision }) => (decision.allowed ? null : decision.message),
    }),
  }),
});

const ViewerType = builder.objectRef<Scope>('Viewer').implement({
  description: 'On whose behalf a request is made, and where.',
  fields: (t) => ({
    workspaceId: t.id({
      description:
        'Global id of the workspace everything is read from and changed in; `node` does not load it.',
      resolve: ({ workspaceId }) => encodeId('Workspace', workspaceId),
    }),
    workspaceName: t.string({
      description: 'Name of the workspace, for people.',
      resolve: async (scope, _, { deps }) => (await deps.securityManager.workspace(scope)).name,
    }),
    actorKind: t.field({
      type: ActorKindType,
      description: 'What kind of caller it is.',
      resolve: ({ actor }) => actor.kind,
    }),
    role: t.field({
      type: RoleType,
      description:
        'What they may do; with access limited to projects, the role where a grant says nothing else.',
      resolve: ({ actor }) => actor.role,
    }),
    person: t.field({
      type: PersonType,
      nullable: true,
      description:
        'Who is signed in, for a key who made it; null for whoever is at the machine before the hive has an owner. A key needs the scope `member.read` for it.',
      resolve: ({ actor }, _, { loaders }) =>
        actor.userId === undefined ? null : loaders.person.load(actor.userId),
    }),
    hasOwner: t.boolean({
      description: 'Whether the hive has an owner; until then whoever is at the machine may do everything.',
      resolve: (_, __, { deps }) => deps.authenticator.hasOwner(),
    }),
    steppedUpUntil: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Until when dangerous actions need no new confirmation by passkey or one-time code; null when they do.',
      resolve: ({ actor }) => {
        const until = (actor.steppedUpAt ?? -stepUpMs) + stepUpMs;
        return until > actor.at ? new Date(until) : null;
      },
    }),
    permissions: t.field({
      type: [PermissionType],
      description: 'Every action there is, and whether they may do it.',
      complexity: { field: 1, multiplier: 1 },
      resolve: ({ actor }) => effectivePermissions(actor),
    }),
    workspaces: t.field({
      type: [WorkspaceMembershipType],
      description: 'Every workspace they can switch to, this one included.',
      // A key belongs to one workspace, whatever others its maker is a member of.
      resolve: async (scope, _, { deps: { securityManager } }) => {
        const { kind, userId, role } = scope.actor;
        if (kind === 'USER' && userId !== undefined) return securityManager.workspacesOf(userId);
        return [{ ...(await securityManager.workspace(scope)), role }];
      },
    }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({ type: ViewerType, description: 'Who asks.', resolve: (_, __, { scope }) => scope }),
);

import type { Role } from '../../engines/security/actor.ts';
import type { WorkspaceRow } from '../../stores/workspace-store.ts';
import { builder } from '../builder.ts';
import { changeErrors, expectFailures } from '../errors.ts';
import { decodeId, encodeId } from '../ids.ts';
import { given, idempotencyKeyField } from '../input.ts';
import { RoleType } from './access-enums.ts';

export const WorkspaceMembershipType = builder
  .objectRef<WorkspaceRow & { role: Role }>('WorkspaceMembership')
  .implement({
    description: 'A workspace and one’s own place in it.',
    fields: (t) => ({
      workspaceId: t.id({
        description:
          'Global id of the workspace, for the header `x-hive-workspace` or `workspace` in `connectionParams`; `node` does not load it.',
        resolve: ({ id }) => encodeId('Workspace', id),
      }),
      name: t.exposeString('name', { description: 'For people, 1 to 100 characters.' }),
      slug: t.exposeString('slug', { description: 'Short name, unique in the hive.' }),
      role: t.field({ type: RoleType, description: 'One’s own role in it.', resolve: ({ role }) => role }),
    }),
  });

const CreateWorkspaceInput = builder.inputType('CreateWorkspaceInput', {
  description: 'A new workspace.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'For people, 1 to 100 characters.' }),
    slug: t.string({
      required: true,
      description: 'Unique in the hive: 1 to 40 lower-case letters, digits and hyphens.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const UpdateWorkspaceInput = builder.inputType('UpdateWorkspaceInput', {
  description: 'What is to change of the workspace of the request.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'For people, 1 to 100 characters.' }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const ErasePersonInput = builder.inputType('ErasePersonInput', {
  description: 'Whom to forget.',
  fields: (t) => ({
    personId: t.id({ required: true, description: 'The person: oneself, or for owners any member.' }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const ErasedPersonType = builder.objectRef<{ personId: string }>('ErasedPerson').implement({
  description: 'Somebody the hive has forgotten.',
  fields: (t) => ({
    personId: t.id({
      description: 'The global id they had, under which a pseudonym stays in the trail.',
      resolve: ({ personId }) => encodeId('Person', personId),
    }),
  }),
});

builder.mutationFields((t) => ({
  createWorkspace: t.field({
    type: WorkspaceMembershipType,
    description: 'Makes a workspace whose owner is whoever asks.',
    errors: { types: changeErrors, union: { name: 'CreateWorkspaceResult' } },
    args: { input: t.arg({ type: CreateWorkspaceInput, required: true, description: 'The workspace.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const created = await deps.securityManager.createWorkspace(scope, given(input));
        return { ...created, role: 'OWNER' as const };
      }),
  }),
  updateWorkspace: t.field({
    type: WorkspaceMembershipType,
    description: 'Renames the workspace of the request.',
    errors: { types: changeErrors, union: { name: 'UpdateWorkspaceResult' } },
    args: { input: t.arg({ type: UpdateWorkspaceInput, required: true, description: 'What to change.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const updated = await deps.securityManager.updateWorkspace(scope, given(input));
        return { ...updated, role: scope.actor.role };
      }),
  }),
  erasePerson: t.field({
    type: ErasedPersonType,
    description:
      'Erases a person for good: account, sessions, keys and contact; what they did stays, under a pseudonym.',
    errors: { types: changeErrors, union: { name: 'ErasePersonResult' } },
    args: { input: t.arg({ type: ErasePersonInput, required: true, description: 'Whom.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const personId = decodeId('Person', input.personId, 'personId');
        await deps.securityManager.erasePerson(
          scope,
          given({ personId, idempotencyKey: input.idempotencyKey }),
        );
        return { personId };
      }),
  }),
}));

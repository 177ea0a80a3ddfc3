import type { ApiKey } from '../../entities/api-key.ts';
import type { ApiKeySecret } from '../../managers/api-keys.ts';
import { builder } from '../builder.ts';
import { changeErrors, expectFailures } from '../errors.ts';
import { decodeId, encodeId } from '../ids.ts';
import { given, idempotencyKeyField } from '../input.ts';
import { pageCost, parsePage, toConnection, totalCountDescription } from '../pages.ts';
import { RoleType } from './access-enums.ts';
import { PersonType } from './person.ts';
import { ProjectType } from './project.ts';

const ApiKeyType = builder.objectRef<ApiKey>('ApiKey').implement({
  description: 'What a program signs in with. The key itself is shown once, when it is made.',
  fields: (t) => ({
    id: t.id({
      description: 'Global id, `ApiKey:uuid`; `node` does not load it.',
      resolve: (key) => encodeId('ApiKey', key.id),
    }),
    name: t.exposeString('name', { description: 'What it is for, 1 to 100 characters.' }),
    start: t.exposeString('start', {
      description: 'Its first characters, `hive_` included, to tell keys apart.',
    }),
    role: t.field({ type: RoleType, description: 'The most it may do.', resolve: (key) => key.role }),
    scopes: t.stringList({
      nullable: true,
      description:
        'Actions it may take, each exact, a prefix like `task.*`, `*.read`, or `*`; null for whatever its role may.',
      resolve: (key) => key.scopes ?? null,
    }),
    projects: t.field({
      type: [ProjectType],
      nullable: true,
      description: 'The only projects it has access to; null for the whole workspace.',
      resolve: async (key, _, { loaders }) => {
        if (!key.projectIds) return null;
        const found = await Promise.all(key.projectIds.map((id) => loaders.project.load(id)));
        return found.filter((project) => project !== undefined);
      },
    }),
    expiresAt: t.field({
      type: 'DateTime',
      description: 'When it stops working.',
      resolve: (key) => key.expiresAt,
    }),
    lastUsedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was last used, to the minute or so; null before the first time.',
      resolve: (key) => key.lastUsedAt ?? null,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was made.',
      resolve: (key) => key.createdAt,
    }),
    createdBy: t.field({
      type: PersonType,
      description: 'Who made it; a key can never do more than they.',
      resolve: (key, _, { loaders }) => loaders.person.load(key.createdBy),
    }),
    revokedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null while it was not.',
      resolve: (key) => key.revokedAt ?? null,
    }),
    replacedBy: t.id({
      nullable: true,
      description: 'Global id of the key that it was rotated into; null when it was not.',
      resolve: (key) => (key.replacedBy ? encodeId('ApiKey', key.replacedBy) : null),
    }),
  }),
});

const ApiKeySecretType = builder.objectRef<ApiKeySecret>('ApiKeySecret').implement({
  description: 'A new key with its secret.',
  fields: (t) => ({
    apiKey: t.field({ type: ApiKeyType, description: 'The key.', resolve: ({ apiKey }) => apiKey }),
    secret: t.string({
      nullable: true,
      description:
        'The text a program signs in with, `hive_…`, as `Authorization: Bearer hive_…`. It is shown only here, since only its hash is kept: null for a repeat with the same idempotency key.',
      resolve: ({ secret }) => secret,
    }),
  }),
});

builder.queryField('apiKeys', (t) =>
  t.field({
    type: builder.connectionObject(
      {
        type: ApiKeyType,
        name: 'QueryApiKeysConnection',
        fields: (c) => ({
          totalCount: c.int({
            description: totalCountDescription,
            resolve: (page) => (page as unknown as { count(): Promise<number> }).count(),
          }),
        }),
      },
      { name: 'QueryApiKeysConnectionEdge' },
    ),
    description: 'API keys, newest first: those of the workspace for admins, one’s own for others.',
    args: {
      ...t.arg.connectionArgs(),
      includeRevoked: t.arg.boolean({
        defaultValue: false,
        description: 'Whether keys that were revoked are listed, too.',
      }),
    },
    complexity: pageCost,
    resolve: async (_, args, { deps: { securityManager }, scope }) => {
      const filter = { includeRevoked: args.includeRevoked ?? false };
      const page = await securityManager.apiKeys(scope, parsePage(args), filter);
      return toConnection(page, () => securityManager.countApiKeys(scope, filter));
    },
  }),
);

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'What a program may do.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What it is for, 1 to 100 characters.' }),
    role: t.field({ type: RoleType, required: true, description: 'The most it may do; at most one’s own.' }),
    scopes: t.stringList({
      description:
        'Actions it may take, each exact, a prefix like `task.*`, `*.read`, or `*`, 1 to 100; whatever its role may when absent.',
    }),
    projectIds: t.idList({
      description: 'The only projects it has access to, 1 to 100; the whole workspace when absent.',
    }),
    expiresInDays: t.int({ description: 'How long it works, 1 to 365 days; 90 when absent.' }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const RotateApiKeyInput = builder.inputType('RotateApiKeyInput', {
  description: 'Which key to replace.',
  fields: (t) => ({
    apiKeyId: t.id({ required: true, description: 'A key that works.' }),
    overlapHours: t.int({
      description: 'How long the old key goes on working beside the new one, 0 to 168 hours; 24 when absent.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const RevokeApiKeyInput = builder.inputType('RevokeApiKeyInput', {
  description: 'Which key to end.',
  fields: (t) => ({
    apiKeyId: t.id({
      required: true,
      description: 'The key; one that is revoked stays so, which is a success.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});

builder.mutationFields((t) => ({
  createApiKey: t.field({
    type: ApiKeySecretType,
    description: 'Makes a key for a program.',
    errors: { types: changeErrors, union: { name: 'CreateApiKeyResult' } },
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'What it may do.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const projectIds = input.projectIds?.map((id, index) =>
          decodeId('Project', id, `projectIds[${index}]`),
        );
        return deps.securityManager.createApiKey(scope, given({ ...input, projectIds }));
      }),
  }),
  rotateApiKey: t.field({
    type: ApiKeySecretType,
    description: 'Makes a key with the same rights; the old one ends after an overlap.',
    errors: { types: changeErrors, union: { name: 'RotateApiKeyResult' } },
    args: { input: t.arg({ type: RotateApiKeyInput, required: true, description: 'Which key.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const apiKeyId = decodeId('ApiKey', input.apiKeyId, 'apiKeyId');
        return deps.securityManager.rotateApiKey(scope, given({ ...input, apiKeyId }));
      }),
  }),
  revokeApiKey: t.field({
    type: ApiKeyType,
    description: 'Ends a key at once; connections opened with it end within 2 s.',
    errors: { types: changeErrors, union: { name: 'RevokeApiKeyResult' } },
    args: { input: t.arg({ type: RevokeApiKeyInput, required: true, description: 'Which key.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const apiKeyId = decodeId('ApiKey', input.apiKeyId, 'apiKeyId');
        return deps.securityManager.revokeApiKey(
          scope,
          given({ apiKeyId, idempotencyKey: input.idempotencyKey }),
        );
      }),
  }),
}));

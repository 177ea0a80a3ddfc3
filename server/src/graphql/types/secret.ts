import { builder } from '../builder.ts';
import { changeErrors, expectFailures } from '../errors.ts';
import { given, idempotencyKeyField } from '../input.ts';
import type { SecretRow } from '../../stores/secret-store.ts';
import { PersonType } from './person.ts';

const SecretType = builder.objectRef<SecretRow>('Secret').implement({
  description: 'A value kept encrypted, such as the key of a provider. The API never gives the value back.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'What it is, for example `llm.openai.apiKey`.' }),
    updatedAt: t.field({
      type: 'DateTime',
      description: 'When its value was last set.',
      resolve: (secret) => secret.updatedAt,
    }),
    updatedBy: t.field({
      type: PersonType,
      nullable: true,
      description: 'Who set it; null for whoever was at the machine before the hive had an owner.',
      resolve: (secret, _, { loaders }) =>
        secret.updatedBy === null ? null : loaders.person.load(secret.updatedBy),
    }),
  }),
});

builder.queryField('secrets', (t) =>
  t.field({
    type: [SecretType],
    description: 'Which secrets are set, by name; never their values.',
    resolve: async (_, __, { deps, scope }) => [...(await deps.secretsManager.listSecrets(scope))],
  }),
);

const SetSecretInput = builder.inputType('SetSecretInput', {
  description: 'A value to keep encrypted.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description:
        'What it is: `llm.openai.apiKey` and `llm.anthropic.apiKey` are read by the hive, unless the environment sets them.',
    }),
    value: t.string({ required: true, description: 'The value, which nobody can read back.' }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const DeleteSecretInput = builder.inputType('DeleteSecretInput', {
  description: 'Which secret to forget.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Name of a secret that is set.' }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const RotateSecretsInput = builder.inputType('RotateSecretsInput', {
  description: 'Rotating needs nothing more.',
  fields: (t) => ({ idempotencyKey: t.string(idempotencyKeyField) }),
});
const DeletedSecretType = builder.objectRef<{ name: string }>('DeletedSecret').implement({
  description: 'A secret that is kept no longer.',
  fields: (t) => ({ name: t.exposeString('name', { description: 'The name it had.' }) }),
});
const SecretRotationType = builder.objectRef<{ reencryptedCount: number }>('SecretRotation').implement({
  description: 'What a rotation did.',
  fields: (t) => ({
    reencryptedCount: t.exposeInt('reencryptedCount', {
      description: 'How many secrets were encrypted anew with the newest key.',
    }),
  }),
});

builder.mutationFields((t) => ({
  setSecret: t.field({
    type: SecretType,
    description: 'Keeps a value encrypted, in place of the one of that name.',
    errors: { types: changeErrors, union: { name: 'SetSecretResult' } },
    args: { input: t.arg({ type: SetSecretInput, required: true, description: 'Name and value.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, () => deps.secretsManager.setSecret(scope, given(input))),
  }),
  deleteSecret: t.field({
    type: DeletedSecretType,
    description: 'Forgets a secret.',
    errors: { types: changeErrors, union: { name: 'DeleteSecretResult' } },
    args: { input: t.arg({ type: DeleteSecretInput, required: true, description: 'Which one.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        await deps.secretsManager.deleteSecret(scope, given(input));
        return { name: input.name };
      }),
  }),
  rotateSecrets: t.field({
    type: SecretRotationType,
    description: 'Encrypts every secret of the workspace anew with the newest key.',
    errors: { types: changeErrors, union: { name: 'RotateSecretsResult' } },
    args: { input: t.arg({ type: RotateSecretsInput, required: true, description: 'Nothing more.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, () => deps.secretsManager.rotateSecrets(scope, given(input))),
  }),
}));

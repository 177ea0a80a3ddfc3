import { createHmac } from 'node:crypto';
import { z } from 'zod';
import { decryptSecret, encryptSecret } from '../engines/security/encryption.ts';
import type { Keyring } from '../engines/security/keyring.ts';
import { rotateAll, storedSecretPurpose, type RotationDeps } from '../engines/security/secret-rotation.ts';
import { DomainError, ForbiddenError, NotFoundError, ValidationError } from '../lib/errors.ts';
import {
  findCiphertext,
  findSecretRow,
  holdCurrentKey,
  listSecretRows,
  putSecret,
  removeSecret,
  type SecretRow,
} from '../stores/secret-store.ts';
import type { Sql } from '../stores/sql.ts';
import { forkForTenant, sqlOf } from '../stores/tenancy.ts';
import { assertAllowed, auditedChange, type AuditedChangeDeps } from './authorise.ts';
import { parseInput } from './input.ts';
import { modelKeySecrets } from './stored-model-keys.ts';
import type { Scope } from './transaction.ts';

export interface SecretsManagerDeps extends AuditedChangeDeps {
  orm: AuditedChangeDeps['orm'] & Parameters<typeof forkForTenant>[0];
  /** Of the role hive_system, for reading secrets where no person asks. */
  systemSql: Sql;
  keyring: Keyring;
  /** The hive's first workspace: what concerns the hive as a whole is kept there. */
  homeWorkspaceId: string;
  transaction: RotationDeps['transaction'];
  /** See RotationDeps. */
  reencryptAlso?: RotationDeps['also'];
  /** After a secret was set or deleted, with its name. */
  onChanged?(workspaceId: string, name: string): void;
}

export interface SecretsManager {
  /** Names and when they were set; never a value. */
  listSecrets(scope: Scope): Promise<SecretRow[]>;
  /** @throws ValidationError, ForbiddenError, LIMIT_EXCEEDED */
  setSecret(
    scope: Scope,
    input: { name: string; value: string; idempotencyKey?: string | null | undefined },
  ): Promise<SecretRow>;
  /** @returns the id it had. @throws NotFoundError */
  deleteSecret(
    scope: Scope,
    input: { name: string; idempotencyKey?: string | null | undefined },
  ): Promise<string>;
  /** Encrypts everything in the hive under a new key. Only for owners of the first workspace. */
  rotateSecrets(
    scope: Scope,
    input?: { idempotencyKey?: string | null | undefined },
  ): Promise<{ reencryptedCount: number }>;
  /** For the hive's own use: the value, undefined when it is not set. @throws Error when it does not decrypt */
  readSecret(workspaceId: string, name: string): Promise<string | undefined>;
}

const most = 500;
const modelKeyNames: readonly string[] = Object.values(modelKeySecrets);
const freeName = /^(webhook|token)\.[A-Za-z0-9][A-Za-z0-9._-]{0,80}$/;

const nameSchema = z
  .string()
  .refine(
    (name) => modelKeyNames.includes(name) || freeName.test(name),
    `must be ${modelKeyNames.join(', ')}, or webhook.… or token.… followed by letters, digits, dots, dashes and underscores`,
  );
const inputSchema = z
  .object({
    name: nameSchema,
    value: z
      .string()
      .min(1, 'must not be empty')
      .max(16_000, 'must have at most 16,000 characters')
      .refine(
        (text) => !text.includes('\0') && text.isWellFormed(),
        'must not contain NUL or broken Unicode',
      ),
  })
  .refine(({ name, value }) => !modelKeyNames.includes(name) || /^[\x21-\x7e]{8,500}$/.test(value), {
    path: ['value'],
    message: 'must be the key as the provider shows it: 8 to 500 characters without spaces',
  });

/** Secrets of a workspace: written by people, read by the hive, shown to nobody. */
export function createSecretsManager(deps: SecretsManagerDeps): SecretsManager {
  const { keyring } = deps;
  const placeOf = (workspaceId: string, name: string) => ({
    ...{ purpose: storedSecretPurpose, workspaceId, name },
  });
  return {
    async listSecrets(scope) {
      assertAllowed(scope, 'secret.read');
      return listSecretRows(sqlOf(forkForTenant(deps.orm, scope)), scope.workspaceId);
    },

    async setSecret(scope, input) {
      const { name, value } = parseSecret(input);
      assertPlace(deps, scope, name);
      const { workspaceId } = scope;
      const change = {
        operation: 'setSecret',
        action: 'secret.write',
        subject: { type: 'secret', id: name },
        // What recognises a repeat is stored: a plain hash of a short secret could be guessed from it.
        input: { name, value: createHmac('sha256', keyring.deriveKey('repeat')).update(value).digest('hex') },
        detail: { name },
        idempotencyKey: input.idempotencyKey,
      } as const;
      await auditedChange(deps, scope, change, async (sql) => {
        await assertRoom(sql, workspaceId, name);
        await holdCurrentKey(sql);
        return putSecret(sql, {
          ...{ workspaceId, name, keyId: keyring.current.id, updatedBy: scope.actor.userId ?? null },
          ciphertext: encryptSecret(keyring, value, placeOf(workspaceId, name)),
        });
      });
      deps.onChanged?.(workspaceId, name);
      const row = await findSecretRow(sqlOf(forkForTenant(deps.orm, scope)), workspaceId, name);
      if (!row) throw new NotFoundError('Secret', name);
      return row;
    },

    async deleteSecret(scope, input) {
      const { name } = parseInput(z.object({ name: nameSchema }), { name: input.name });
      const change = {
        operation: 'deleteSecret',
        action: 'secret.write',
        subject: { type: 'secret', id: name },
        input: { name },
        detail: { name },
        idempotencyKey: input.idempotencyKey,
      } as const;
      const { id } = await auditedChange(deps, scope, change, async (sql) => {
        const removed = await removeSecret(sql, scope.workspaceId, name);
        if (removed === undefined) throw new NotFoundError('Secret', name);
        return removed;
      });
      deps.onChanged?.(scope.workspaceId, name);
      return id;
    },

    rotateSecrets: (scope, input) => rotate(deps, scope, input?.idempotencyKey),

    async readSecret(workspaceId, name) {
      const ciphertext = await findCiphertext(deps.systemSql, workspaceId, name);
      return ciphertext === undefined
        ? undefined
        : decryptSecret(keyring, ciphertext, placeOf(workspaceId, name));
    },
  };
}

/** As parseInput, but a refused value is not repeated in the error. */
function parseSecret(input: { name: string; value: string }): { name: string; value: string } {
  const parsed = inputSchema.safeParse({ name: input.name, value: input.value });
  if (parsed.success) return parsed.data;
  throw new ValidationError(
    parsed.error.issues.map((issue) => ({ path: issue.path.join('.') || 'input', message: issue.message })),
  );
}

/** One gateway serves the whole hive, so a key for it set elsewhere would do nothing. */
function assertPlace({ homeWorkspaceId }: SecretsManagerDeps, scope: Scope, name: string): void {
  if (scope.workspaceId === homeWorkspaceId || !modelKeyNames.includes(name)) return;
  throw new ValidationError([
    {
      path: 'name',
      message: 'is used by the whole hive and can be set in its first workspace only',
      value: name,
    },
  ]);
}

async function assertRoom(sql: Sql, workspaceId: string, name: string): Promise<void> {
  const rows = await listSecretRows(sql, workspaceId);
  if (rows.length < most || rows.some((row) => row.name === name)) return;
  throw new DomainError(
    'LIMIT_EXCEEDED',
    `A workspace keeps at most ${most} secrets. Delete one that is no longer used.`,
  );
}

/** The record is written first: a rotation that nobody could be held to must not begin. */
async function rotate(
  deps: SecretsManagerDeps,
  scope: Scope,
  idempotencyKey: string | null | undefined,
): Promise<{ reencryptedCount: number }> {
  if (scope.workspaceId !== deps.homeWorkspaceId) {
    deps.onDenied(scope, 'secret.rotate', {}, 'WORKSPACE');
    throw new ForbiddenError(
      'WORKSPACE',
      'secret.rotate',
      'The key is that of the whole hive: only an owner of its first workspace may change it.',
    );
  }
  const { workspaceId } = scope;
  const change = { operation: 'rotateSecrets', action: 'secret.rotate', input: {}, detail: {} } as const;
  const { repeated } = await auditedChange(
    deps,
    scope,
    { ...change, idempotencyKey, subject: { type: 'workspace' } },
    () => Promise.resolve(workspaceId),
  );
  // A repeat asks whether it was done; what is left of it, if it was cut short, is done now.
  if (repeated && !deps.keyring.isRotating) return { reencryptedCount: 0 };
  const { reencryptedCount, failed } = await rotateAll({ ...deps, also: deps.reencryptAlso });
  if (failed.length > 0)
    throw new DomainError(
      'INVALID_STATE',
      `${failed.length} secrets could not be read with any key that is there and stay as they are: ${failed.slice(0, 5).join('; ')}`,
    );
  return { reencryptedCount };
}

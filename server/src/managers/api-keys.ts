import { z } from 'zod';
import { createApiKeySecret, hashApiKey, startOfApiKey } from '../engines/security/api-key.ts';
import { scopeProblem } from '../engines/security/scopes.ts';
import type { ApiKey } from '../entities/api-key.ts';
import { InvalidStateError, NotFoundError } from '../lib/errors.ts';
import { isUuid } from '../lib/ids.ts';
import {
  countApiKeys,
  findApiKeys,
  insertApiKey,
  listApiKeys,
  lockApiKey,
  replaceApiKey,
  revokeApiKey,
  type ApiKeyFilter,
  type LockedApiKey,
} from '../stores/api-key-store.ts';
import type { Page, PageRequest } from '../stores/page.ts';
import type { Sql } from '../stores/sql.ts';
import { forkForTenant } from '../stores/tenancy.ts';
import { assertAllowed, auditedChange, isAllowed } from './authorise.ts';
import { parseInput, plainText } from './input.ts';
import { assertProjects, holdMaker, roleSchema } from './member-access.ts';
import type { SecurityManagerDeps } from './security-manager.ts';
import type { Scope } from './transaction.ts';
import { personOf, wholeWorkspace } from './workspaces.ts';

const dayMs = 86_400_000;
const defaultDays = 90;
const defaultOverlapHours = 24;

const idempotencyKey = z.string().nullish();
const scopeSchema = z.string().superRefine((scope, context) => {
  const message = scopeProblem(scope);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});
const noneTwice = (items: readonly string[]) => [...new Set(items)];
const createApiKeyInput = z.object({
  name: plainText(100),
  role: roleSchema,
  scopes: z
    .array(scopeSchema)
    .min(1, 'must name at least one action; leave it out to allow whatever the role may')
    .max(100, 'must have at most 100 scopes')
    .transform(noneTwice)
    .nullish(),
  projectIds: z
    .array(z.uuid())
    .min(1, 'must name at least one project; leave it out to allow all that you see')
    .max(100, 'must have at most 100 projects')
    .transform(noneTwice)
    .nullish(),
  expiresInDays: z.int().min(1).max(365, 'must be at most 365 days').nullish(),
  idempotencyKey,
});
const rotateApiKeyInput = z.object({
  apiKeyId: z.uuid(),
  overlapHours: z.int().min(0).max(168, 'must be at most 168 hours, a week').nullish(),
  idempotencyKey,
});
const revokeApiKeyInput = z.object({ apiKeyId: z.uuid(), idempotencyKey });

export type CreateApiKeyInput = z.input<typeof createApiKeyInput>;
export type RotateApiKeyInput = z.input<typeof rotateApiKeyInput>;

export interface ApiKeySecret {
  apiKey: ApiKey;
  /** Shown this once; null when the call was a repeat: rotate the key to get another one. */
  secret: string | null;
}

type Deps = Pick<SecurityManagerDeps, 'orm' | 'onDenied' | 'onChanged'>;

export function createApiKeys(deps: Deps) {
  const emOf = ({ workspaceId }: Scope) => forkForTenant(deps.orm, { workspaceId });
  const keyOf = async (scope: Scope, id: string): Promise<ApiKey> => {
    const [key] = await findApiKeys(emOf(scope), scope.workspaceId, [id]);
    if (!key) throw new NotFoundError('ApiKey', id);
    return key;
  };

  /** Everybody sees their own keys; who may read keys sees all. */
  function visible(scope: Scope, filter: Pick<ApiKeyFilter, 'includeRevoked'>): ApiKeyFilter {
    if (isAllowed(scope, 'key.read')) return filter;
    const ownerId = scope.actor.userId;
    assertAllowed(scope, 'key.read', ownerId === undefined ? {} : { ownerId });
    return { ...filter, createdBy: ownerId };
  }

  return {
    /** A key for a program, with at most the rights of whoever makes it. @throws ValidationError naming the wrong scope */
    async createApiKey(scope: Scope, rawInput: CreateApiKeyInput): Promise<ApiKeySecret> {
      const { idempotencyKey: key, ...input } = parseInput(createApiKeyInput, rawInput);
      const { workspaceId } = scope;
      const { name, role } = input;
      const [scopes, projectIds] = [input.scopes ?? null, input.projectIds ?? null];
      const expiresInDays = input.expiresInDays ?? defaultDays;
      const secret = createApiKeySecret();
      const change = {
        ...{ operation: 'createApiKey', action: 'key.create' as const, input, idempotencyKey: key },
        ...{ resource: { grantedRole: role }, subject: { type: 'ApiKey' } },
        detail: { role, scopes, projectIds, expiresInDays },
      };
      const { id, repeated } = await auditedChange(deps, wholeWorkspace(scope), change, async (sql) => {
        const createdBy = personOf(scope);
        await holdMaker(sql, change.action, { workspaceId, userId: createdBy }, role);
        await assertProjects(sql, workspaceId, projectIds ?? []);
        const lifetimeMs = expiresInDays * dayMs;
        return insertApiKey(sql, {
          ...{ workspaceId, name, role, scopes, projectIds, createdBy, lifetimeMs },
          ...{ secretHash: hashApiKey(secret), start: startOfApiKey(secret) },
        });
      });
      deps.onChanged();
      return { apiKey: await keyOf(scope, id), secret: repeated ? null : secret };
    },

    /**
     * Makes a successor with a new secret and the same rights, of whoever rotates it; the old key works on for the overlap, or
     * ends at once without one.
     * @throws InvalidStateError when the key has ended or was rotated before
     */
    async rotateApiKey(scope: Scope, rawInput: RotateApiKeyInput): Promise<ApiKeySecret> {
      const { idempotencyKey: key, ...input } = parseInput(rotateApiKeyInput, rawInput);
      const { workspaceId } = scope;
      const overlapHours = input.overlapHours ?? defaultOverlapHours;
      const secret = createApiKeySecret();
      let old: LockedApiKey | undefined;
      const { id, repeated } = await auditedChange(
        deps,
        wholeWorkspace(scope),
        {
          ...{ operation: 'rotateApiKey', action: 'key.change', input, idempotencyKey: key },
          subject: { type: 'ApiKey', id: input.apiKeyId },
          async resource(sql) {
            old = await lockedKey(sql, workspaceId, input.apiKeyId);
            return { ownerId: old.createdBy, grantedRole: old.role };
          },
        },
        async (sql) => {
          const { state, role, name, scopes, projectIds, lifetimeMs } = old!;
          if (state !== 'OPEN') throw new InvalidStateError(endedBy[state], state);
          const createdBy = personOf(scope);
          await holdMaker(sql, 'key.change', { workspaceId, userId: createdBy }, scope.actor.role);
          const replacedBy = await insertApiKey(sql, {
            ...{ workspaceId, name, role, scopes, projectIds, createdBy, lifetimeMs },
            ...{ secretHash: hashApiKey(secret), start: startOfApiKey(secret) },
          });
          await replaceApiKey(sql, workspaceId, { id: input.apiKeyId, replacedBy, overlapHours });
          return replacedBy;
        },
      );
      deps.onChanged();
      return { apiKey: await keyOf(scope, id), secret: repeated ? null : secret };
    },

    /** Ends a key at once. Revoking a revoked key is a success. */
    async revokeApiKey(scope: Scope, rawInput: z.input<typeof revokeApiKeyInput>): Promise<ApiKey> {
      const { idempotencyKey: key, ...input } = parseInput(revokeApiKeyInput, rawInput);
      const { workspaceId } = scope;
      const { apiKeyId } = input;
      await auditedChange(
        deps,
        wholeWorkspace(scope),
        {
          ...{ operation: 'revokeApiKey', action: 'key.change', input, idempotencyKey: key },
          subject: { type: 'ApiKey', id: apiKeyId },
          resource: async (sql) => ({ ownerId: (await lockedKey(sql, workspaceId, apiKeyId)).createdBy }),
        },
        async (sql) => {
          await revokeApiKey(sql, workspaceId, apiKeyId);
          return apiKeyId;
        },
      );
      deps.onChanged();
      return keyOf(scope, apiKeyId);
    },

    /** Newest first; expired ones are among them, revoked ones only when asked for. */
    async apiKeys(
      scope: Scope,
      page: PageRequest,
      filter: Pick<ApiKeyFilter, 'includeRevoked'> = {},
    ): Promise<Page<ApiKey>> {
      return listApiKeys(emOf(scope), scope.workspaceId, page, visible(scope, filter));
    },

    async countApiKeys(scope: Scope, filter: Pick<ApiKeyFilter, 'includeRevoked'> = {}): Promise<number> {
      return countApiKeys(emOf(scope), scope.workspaceId, visible(scope, filter));
    },

    /** Those of the ids that the viewer may see, in no order. */
    async findApiKeys(scope: Scope, ids: readonly string[]): Promise<ApiKey[]> {
      const { createdBy } = visible(scope, {});
      const keys = await findApiKeys(emOf(scope), scope.workspaceId, ids.filter(isUuid));
      return keys.filter((found) => createdBy === undefined || found.createdBy === createdBy);
    },
  };
}

async function lockedKey(sql: Sql, workspaceId: string, id: string): Promise<LockedApiKey> {
  const key = await lockApiKey(sql, workspaceId, id);
  if (!key) throw new NotFoundError('ApiKey', id);
  return key;
}

const endedBy = {
  REVOKED: 'The key was revoked. Make a new one instead.',
  EXPIRED: 'The key has expired. Make a new one instead.',
  REPLACED: 'The key was rotated before. Rotate its successor instead.',
} as const;

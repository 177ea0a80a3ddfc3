import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import type { Resource } from '../engines/security/actor.ts';
import { decide, type RefusalReason } from '../engines/security/decide.ts';
import { redact } from '../engines/security/redaction.ts';
import type { Action } from '../engines/security/rules.ts';
import { ForbiddenError } from '../lib/errors.ts';
import { storableJson, type Json } from '../lib/json.ts';
import { appendAudit, type NewAuditEntry } from '../stores/audit-store.ts';
import { once } from '../stores/idempotency-store.ts';
import type { Sql } from '../stores/sql.ts';
import { inSystemTransaction, inTransaction, type Scope } from './transaction.ts';

/** What an action is about; its workspace is always that of the scope. */
export type About = Omit<Resource, 'workspaceId'>;

/** @throws ForbiddenError with the reason of `decide` */
export function assertAllowed(scope: Scope, action: Action, resource: About = {}): void {
  const decision = decide(scope.actor, action, { ...resource, workspaceId: scope.workspaceId });
  if (!decision.allowed) throw new ForbiddenError(decision.reason, action, decision.message);
}

/** Whether `assertAllowed` would pass, for fields that are left empty instead of refused. */
export function isAllowed(scope: Scope, action: Action, resource: About = {}): boolean {
  return decide(scope.actor, action, { ...resource, workspaceId: scope.workspaceId }).allowed;
}

/** Hands a refused attempt to the audit trail, outside the transaction that it ended. Must not throw. */
export type OnDenied = (scope: Scope, action: Action, resource: About, reason: RefusalReason) => void;

export interface AuditedChangeDeps {
  orm: Pick<MikroORM, 'em'>;
  onDenied: OnDenied;
}

export interface AuditedChange {
  /** The mutation's name: idempotency keys of different ones never meet. */
  operation: string;
  action: Action;
  /**
   * What it is about. A function is asked inside the transaction, so that what it read (and locked) is what the change meets;
   * it throws NotFoundError for what the workspace does not have. A repeat of the same call is not asked again: it changes
   * nothing.
   */
  resource?: About | ((sql: Sql) => Promise<About>);
  /** Of the audit entry. The id is that of the result when absent. */
  subject?: { type: string; id?: string };
  /** Without the idempotency key. Its hash recognises a repeat. */
  input: unknown;
  idempotencyKey?: string | null | undefined;
  /**
   * What the audit trail keeps instead of the redacted input. Entries are never changed, so this leaves out what a person may
   * ask to have erased: what they typed. A function is asked after the effect.
   */
  detail?: Json | (() => Json);
}

/**
 * One change by a person or program: decided, made once per idempotency key, and on the record, in one transaction.
 * @param effect makes the change and returns the id of the thing changed
 * @returns `repeated`: the key had been used before with this input and nothing was done now
 * @throws ForbiddenError, after handing the refusal to `onDenied`; IdempotencyConflictError; whatever the effect throws
 */
export async function auditedChange(
  deps: AuditedChangeDeps,
  scope: Scope,
  change: AuditedChange,
  effect: (sql: Sql) => Promise<string>,
): Promise<{ id: string; repeated: boolean }> {
  return decided((work) => inTransaction(deps.orm, scope, work), deps, scope, change, effect);
}

export interface AuditedSystemChangeDeps {
  /** Of the role hive_system. */
  systemPool: Pool;
  onDenied: OnDenied;
}

/**
 * The same with the rights of the hive, for what concerns more than one workspace. The database does not hold it to the
 * scope's workspace: the effect must.
 */
export async function auditedSystemChange(
  deps: AuditedSystemChangeDeps,
  scope: Scope,
  change: AuditedChange,
  effect: (sql: Sql) => Promise<string>,
): Promise<{ id: string; repeated: boolean }> {
  return decided((work) => inSystemTransaction(deps.systemPool, work), deps, scope, change, effect);
}

type Run = <T>(work: (sql: Sql) => Promise<T>) => Promise<T>;

async function decided(
  run: Run,
  deps: { onDenied: OnDenied },
  scope: Scope,
  change: AuditedChange,
  effect: (sql: Sql) => Promise<string>,
): Promise<{ id: string; repeated: boolean }> {
  let about: About = {};
  try {
    const { resource } = change;
    if (typeof resource !== 'function') assertAllowed(scope, change.action, (about = resource ?? {}));
    return await run((sql) =>
      once(sql, callOf(scope, change), async () => {
        if (typeof resource === 'function')
          assertAllowed(scope, change.action, (about = await resource(sql)));
        const id = await effect(sql);
        await appendAudit(sql, [entryOf(scope, change, id)]);
        return id;
      }),
    );
  } catch (error) {
    if (error instanceof ForbiddenError)
      deps.onDenied(scope, error.action as Action, about, error.reason as RefusalReason);
    throw error;
  }
}

/** Keys of different people never meet: nobody learns from a key whether another one used it. */
function callOf(scope: Scope, { operation, idempotencyKey, input }: AuditedChange) {
  const { workspaceId, actor } = scope;
  const owner = actor.userId === undefined ? operation : `${operation}/${actor.userId}`;
  return { workspaceId, operation: owner, key: idempotencyKey, input };
}

/** The record of a change that was allowed. */
function entryOf(scope: Scope, change: AuditedChange, resultId: string): NewAuditEntry {
  const { operation, action, subject } = change;
  return {
    ...originOf(scope),
    workspaceId: scope.workspaceId,
    action,
    outcome: 'ALLOWED',
    ...(subject ? { subjectType: subject.type, subjectId: subject.id ?? resultId } : {}),
    detail: { operation, ...detailOf(change) },
  };
}

function detailOf({ detail, input }: AuditedChange): { [key: string]: Json } {
  if (detail === undefined) return { input: storableJson(redact(input)) };
  return { detail: typeof detail === 'function' ? detail() : detail };
}

/** Who did it, and from where, as audit entries tell it. */
export function originOf(
  scope: Scope,
): Pick<NewAuditEntry, 'actorKind' | 'actorId' | 'userId' | 'requestId' | 'address' | 'userAgent'> {
  const { actor, request } = scope;
  return {
    actorKind: actor.kind,
    actorId: actor.kind === 'LOCAL' ? null : actor.id,
    userId: actor.userId,
    ...(request ? { requestId: request.id } : {}),
    ...(request?.address === undefined ? {} : { address: request.address }),
    ...(request?.userAgent === undefined ? {} : { userAgent: request.userAgent }),
  };
}

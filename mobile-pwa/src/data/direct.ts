import type { TypedDocumentNode } from '@urql/core';
import { describeRefusal } from './answer.ts';
import { hive } from './hive.ts';
import { newId } from './new-id.ts';
import { requestText } from './request-text.ts';
import { session } from './session.ts';
import { withStepUp } from './step-up.ts';
import { textOf } from './text-of.ts';

export type Outcome<Value> =
  | { ok: true; value: Value }
  | {
      ok: false;
      code: string;
      /** Which rule refused it, when one did; STEP_UP is the one the person can lift alone. */
      reason: string | null;
      message: string;
    };

/** What a mutation's union gives when it is no error. */
type Done<Data> = Exclude<Data[keyof Data], { __typename: `${string}Error` } | null>;

const TIMEOUT_MS = 15_000;
export const NEEDS_CONNECTION = 'You need to be online for this.';

/**
 * Sends a mutation past the outbox and past the cache, once: for what must not lie on the phone (a key, an invitation's
 * link, a secret on its way in) and for what a person confirms at this very moment. Never throws.
 */
export async function sendNow<Data, Input extends object>(
  document: TypedDocumentNode<Data, { input: Input & { idempotencyKey?: string | null } }>,
  input: Omit<Input, 'idempotencyKey'>,
): Promise<Outcome<Done<Data>>> {
  if (hive.connection.status === 'offline') return no('OFFLINE', NEEDS_CONNECTION);
  const variables = { input: { ...input, idempotencyKey: newId() } };
  try {
    const response = await fetch('/graphql', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/graphql-response+json, application/json',
        ...session.headers,
      },
      body: JSON.stringify({
        query: requestText(document),
        variables,
      }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (response.status === 401) void session.verify();
    return readOutcome<Done<Data>>((await response.json()) as unknown);
  } catch {
    return no('NETWORK', 'The hive did not answer. Look whether it was done before you try again.');
  }
}

/** The same; when it asks who is there, the person is asked for a passkey or a code, and it is sent once more. */
export function confirmAndSend<Data, Input extends object>(
  document: TypedDocumentNode<Data, { input: Input & { idempotencyKey?: string | null } }>,
  input: Omit<Input, 'idempotencyKey'>,
): Promise<Outcome<Done<Data>>> {
  return withStepUp(() => sendNow(document, input));
}

function readOutcome<Value>(body: unknown): Outcome<Value> {
  const { data, errors } = (body ?? {}) as {
    data?: Record<string, Record<string, unknown> | null> | null;
    errors?: { message: string; extensions?: Record<string, unknown> }[];
  };
  const value = data ? Object.values(data)[0] : undefined;
  if (value) {
    if (!textOf(value['__typename'], '').endsWith('Error')) return { ok: true, value: value as Value };
    return no(textOf(value['code'], 'INTERNAL'), describeRefusal(value), value['reason']);
  }
  const error = errors?.[0];
  return no(
    textOf(error?.extensions?.['code'], 'INTERNAL'),
    error?.message ?? 'The hive gave no answer to this.',
    error?.extensions?.['reason'],
  );
}

function no(code: string, message: string, reason: unknown = null): { ok: false } & Outcome<never> {
  return { ok: false, code, reason: typeof reason === 'string' ? reason : null, message };
}

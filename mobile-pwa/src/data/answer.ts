import type { Answer } from './outbox-entry.ts';
import { textOf } from './text-of.ts';

interface GraphQLErrorLike {
  message: string;
  extensions?: Record<string, unknown> | undefined;
}

interface MutationOutcome {
  data?: unknown;
  error?:
    | { networkError?: Error | undefined; graphQLErrors: readonly GraphQLErrorLike[]; message: string }
    | undefined;
}

/** Typed errors that say "not now" and not "no". */
const TRANSIENT = new Set(['UNAVAILABLE', 'TIMEOUT', 'INTERNAL', 'UNAUTHENTICATED', 'RATE_LIMITED']);

/** Codes of request errors that the same request will meet again. */
const FINAL_REQUEST_ERRORS = new Set([
  'BAD_USER_INPUT',
  'BAD_REQUEST',
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'OPERATION_RESOLUTION_FAILURE',
  'FORBIDDEN',
  'VALIDATION',
  'LIMIT_EXCEEDED',
]);

/**
 * Reads a mutation's outcome: a definite answer ends the action's life in the outbox, anything else sends it again.
 * The rule errs towards sending again, which the idempotency key makes harmless.
 */
export function classifyAnswer(outcome: MutationOutcome): Answer {
  const value = firstField(outcome.data);
  if (value) {
    const typename = typeof value['__typename'] === 'string' ? value['__typename'] : '';
    if (!typename.endsWith('Error')) {
      return { kind: 'done', typename, id: typeof value['id'] === 'string' ? value['id'] : null };
    }
    const code = textOf(value['code'], 'INTERNAL');
    const message = describeRefusal(value);
    if (TRANSIENT.has(code)) return { kind: 'again', code, message };
    const reason = value['reason'];
    return typeof reason === 'string'
      ? { kind: 'refused', code, message, reason }
      : { kind: 'refused', code, message };
  }
  const requestError = outcome.error?.graphQLErrors[0];
  if (requestError) {
    const code = textOf(requestError.extensions?.['code'], 'INTERNAL');
    const { message } = requestError;
    if (FINAL_REQUEST_ERRORS.has(code)) return { kind: 'refused', code, message };
    const retryAfterMs = requestError.extensions?.['retryAfterMs'];
    return typeof retryAfterMs === 'number'
      ? { kind: 'again', code, message, retryAfterMs }
      : { kind: 'again', code, message };
  }
  return { kind: 'again', code: 'NETWORK', message: outcome.error?.message ?? 'The server did not answer.' };
}

function firstField(data: unknown): Record<string, unknown> | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const value: unknown = Object.values(data).find((field) => typeof field === 'object' && field !== null);
  return value as Record<string, unknown> | undefined;
}

export function describeRefusal(error: Record<string, unknown>): string {
  const message = textOf(error['message'], 'The server refused without a reason.');
  const fields = Array.isArray(error['fields'])
    ? (error['fields'] as { path: string; message: string }[])
    : [];
  const details = fields.filter((field) => !message.includes(field.message));
  return [message, ...details.map((field) => `${field.path}: ${field.message}`)].join(' ');
}

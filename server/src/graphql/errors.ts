import { GraphQLError } from 'graphql';
import {
  DomainError,
  ForbiddenError,
  IdempotencyConflictError,
  InvalidStateError,
  NotFoundError,
  RateLimitedError,
  ValidationError,
  messageOf,
  type ErrorCode,
} from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { isTransient } from '../lib/transient.ts';

/** Nothing is wrong with the request; the same one may succeed later. */
export class UnavailableError extends DomainError {
  constructor(code: ErrorCode, message: string, cause: unknown) {
    super(code, message, { cause, retryable: true });
  }
}

export const changeErrors = [
  ForbiddenError,
  ValidationError,
  NotFoundError,
  InvalidStateError,
  IdempotencyConflictError,
  UnavailableError,
];
/** For what makes something new: there is no state yet that could forbid it. */
export const createErrors = [
  ForbiddenError,
  ValidationError,
  NotFoundError,
  IdempotencyConflictError,
  UnavailableError,
];

const unavailableCodes: readonly ErrorCode[] = ['UNAVAILABLE', 'TIMEOUT', 'LIMIT_EXCEEDED', 'RATE_LIMITED'];

/**
 * Runs a mutation so that every expected failure is one of the classes its result union has.
 * @param input as the client sent it: text that PostgreSQL cannot hold is refused here, once for every field there is
 */
export async function expectFailures<T>(input: object, change: () => Promise<T>): Promise<T> {
  try {
    const unstorable = findUnstorableText(input);
    if (unstorable !== undefined) {
      throw new ValidationError([{ path: unstorable, message: 'must not contain NUL or broken Unicode' }]);
    }
    return await change();
  } catch (error) {
    const known = asDomainError(error);
    if (!known) throw error;
    if (unavailableCodes.includes(known.code)) throw new UnavailableError(known.code, known.message, error);
    if (changeErrors.some((type) => known instanceof type)) throw known;
    // CONFLICT has no type of its own; the message says which value it was.
    throw new ValidationError([{ path: 'input', message: known.message }], { cause: error });
  }
}

/** Path of the first text with a NUL, which PostgreSQL refuses, or half a surrogate pair, which it would change. */
function findUnstorableText(value: unknown, path = ''): string | undefined {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? path : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, child] of Object.entries(value)) {
    const inside = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    const found = findUnstorableText(child, inside);
    if (found !== undefined) return found;
  }
  return undefined;
}

function asDomainError(error: unknown): DomainError | undefined {
  if (error instanceof DomainError) return error;
  if (!isTransient(error)) return undefined;
  return new DomainError(
    'UNAVAILABLE',
    'The database does not answer. Nothing was changed unless a repeat with the same idempotency key says so.',
    {
      cause: error,
      retryable: true,
    },
  );
}

/**
 * What a client may see of an error: refusals of the GraphQL layer and expected failures as they are, with their code;
 * anything else only as the request id it is logged under.
 */
export function presentError(error: unknown, requestId: string, log: Logger): GraphQLError {
  const graphqlError = error instanceof GraphQLError ? error : undefined;
  const original = deepestOriginal(error);
  if (original === undefined && graphqlError) return withCode(graphqlError);
  const position = {
    ...(graphqlError?.nodes ? { nodes: graphqlError.nodes } : {}),
    ...(graphqlError?.source ? { source: graphqlError.source } : {}),
    ...(graphqlError?.positions ? { positions: graphqlError.positions } : {}),
    ...(graphqlError?.path ? { path: graphqlError.path } : {}),
  };
  const known = asDomainError(original ?? error);
  if (known) {
    return new GraphQLError(known.message, {
      ...position,
      extensions: { code: known.code, ...extensionsOf(known) },
    });
  }
  log.error(
    { requestId, path: graphqlError?.path?.join('.'), err: original ?? error },
    `unexpected error: ${messageOf(original ?? error)}`,
  );
  return new GraphQLError(
    `Something went wrong on our side. It is logged under the request id ${requestId}.`,
    {
      ...position,
      extensions: { code: 'INTERNAL', requestId },
    },
  );
}

/** What a client can branch on besides the code. */
function extensionsOf(error: DomainError): Record<string, unknown> {
  if (error instanceof ForbiddenError) return { reason: error.reason, action: error.action };
  if (error instanceof RateLimitedError) return { retryAfterMs: error.retryAfterMs };
  const field = error instanceof ValidationError ? error.fields[0]?.path : undefined;
  return field ? { field } : {};
}

/** Refusals of the parser, the validator and the limits are the caller's to correct. */
function withCode(error: GraphQLError): GraphQLError {
  if (typeof error.extensions['code'] === 'string' && error.extensions['code'] !== 'GRAPHQL_PARSE_FAILED')
    return error;
  error.extensions['code'] = 'VALIDATION';
  return error;
}

function deepestOriginal(error: unknown): unknown {
  let current = error;
  while (current instanceof GraphQLError) {
    if (!current.originalError) return undefined;
    current = current.originalError;
  }
  return current;
}

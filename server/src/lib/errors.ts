/**
 * Stable codes of expected failures. The same words are the GraphQL enum `ErrorCode`, so adding one here
 * changes the public schema.
 */
export const errorCodes = [
  'CONFLICT',
  'FORBIDDEN',
  'IDEMPOTENCY_CONFLICT',
  'INTERNAL',
  'INVALID_STATE',
  'LIMIT_EXCEEDED',
  'NOT_FOUND',
  'RATE_LIMITED',
  'TIMEOUT',
  'UNAUTHENTICATED',
  'UNAVAILABLE',
  'VALIDATION',
] as const;
export type ErrorCode = (typeof errorCodes)[number];

export interface DomainErrorOptions {
  cause?: unknown;
  /** Whether the same call may succeed later; decides if a task attempt is retried. Default false. */
  retryable?: boolean;
}

/** An expected failure with a code that clients may branch on. The message names the value and what would change it. */
export class DomainError extends Error {
  readonly code: ErrorCode;
  readonly retryable: boolean;
  constructor(code: ErrorCode, message: string, options: DomainErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.retryable = options.retryable ?? false;
  }
}

export interface FieldProblem {
  /** Path inside the input, for example `nodes[2].dependsOn`. */
  path: string;
  message: string;
  /** The refused value, shortened to 200 characters. */
  value?: string;
}

/** Bad input, with every refused field. */
export class ValidationError extends DomainError {
  readonly fields: readonly FieldProblem[];
  constructor(fields: readonly FieldProblem[], options: DomainErrorOptions = {}) {
    super('VALIDATION', fields.map((field) => `${field.path}: ${field.message}`).join('; '), options);
    this.fields = fields;
  }
}

export class NotFoundError extends DomainError {
  readonly type: string;
  readonly id: string;
  constructor(type: string, id: string) {
    super('NOT_FOUND', `No ${type} with id ${id}.`);
    this.type = type;
    this.id = id;
  }
}

/** The subject is in a state that does not allow the action. */
export class InvalidStateError extends DomainError {
  readonly currentStatus: string;
  constructor(message: string, currentStatus: string) {
    super('INVALID_STATE', message);
    this.currentStatus = currentStatus;
  }
}

/** The actor may not do this. `reason` is one of the refusal reasons of the security engine. */
export class ForbiddenError extends DomainError {
  readonly reason: string;
  /** The action that was refused, for example `agent.retire`. */
  readonly action: string;
  constructor(reason: string, action: string, message: string) {
    super('FORBIDDEN', message);
    this.reason = reason;
    this.action = action;
  }
}

export class RateLimitedError extends DomainError {
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super('RATE_LIMITED', message, { retryable: true });
    this.retryAfterMs = retryAfterMs;
  }
}

export class IdempotencyConflictError extends DomainError {
  readonly idempotencyKey: string;
  constructor(idempotencyKey: string) {
    super(
      'IDEMPOTENCY_CONFLICT',
      `The idempotency key ${idempotencyKey} was already used with another input. Use a new key for a new request.`,
    );
    this.idempotencyKey = idempotencyKey;
  }
}

/** Text of anything thrown. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  return String(error);
}

/** Code of anything thrown: that of a DomainError, else INTERNAL. */
export function codeOf(error: unknown): ErrorCode {
  return error instanceof DomainError ? error.code : 'INTERNAL';
}

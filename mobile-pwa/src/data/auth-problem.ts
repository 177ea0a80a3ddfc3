import { textOf } from './text-of.ts';
import { asRecord } from './viewer.ts';

/** Why something about signing in did not work: the one shape in which every endpoint's errors reach a view. */
export class AuthProblem extends Error {
  readonly code: string;
  /** How long to wait before it is worth another try; null when waiting changes nothing. */
  readonly retryAfterMs: number | null;

  constructor(code: string, message: string, retryAfterMs: number | null = null) {
    super(message);
    this.name = 'AuthProblem';
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Our words where the server's are none for people, or would say which half of a sign-in was wrong. */
const WORDS: Readonly<Record<string, string>> = {
  INVALID_EMAIL_OR_PASSWORD: 'E-mail and password do not match.',
  INVALID_PASSWORD: 'That is not your password.',
  INVALID_CODE: 'That code does not match. Codes change every 30 seconds; type the one shown now.',
  INVALID_BACKUP_CODE: 'That backup code does not match, or was used before.',
  INVALID_TWO_FACTOR_COOKIE: 'The sign-in took too long. Start again.',
  TOO_MANY_ATTEMPTS_REQUEST_NEW_CODE: 'Too many wrong codes. Start the sign-in again.',
  ACCOUNT_TEMPORARILY_LOCKED: 'Too many wrong codes. The account is locked for a quarter of an hour.',
  PASSKEY_NOT_FOUND: 'The hive does not know that passkey. It may have been removed.',
  AUTHENTICATION_FAILED: 'The hive did not accept that passkey.',
  CHALLENGE_NOT_FOUND: 'That took too long. Try again.',
  PASSWORD_TOO_SHORT: 'At least 12 characters.',
  PASSWORD_TOO_LONG: 'At most 128 characters.',
  INVALID_RECOVERY_CODE: 'E-mail and recovery code do not fit together, or the code was used before.',
};

/**
 * Reads a refusal of any of the endpoints.
 * @param body what came with it, of whatever shape
 */
export function problemOf(status: number, body: unknown, retryAfter: string | null): AuthProblem {
  const answer = asRecord(body) ?? {};
  // The plain GraphQL endpoint's shape, which everything in front of the identity service speaks.
  const nested = Array.isArray(answer['errors']) ? asRecord(answer['errors'][0]) : undefined;
  const extensions = asRecord(nested?.['extensions']) ?? {};
  const reason = textOf(answer['reason'], textOf(extensions['reason'], ''));
  const given = textOf(answer['code'], textOf(extensions['code'], codeOfStatus(status)));
  const code = reason === 'STEP_UP' || given === 'STEP_UP_REQUIRED' ? 'STEP_UP' : given;
  const stated = answer['retryAfterMs'] ?? extensions['retryAfterMs'];
  const retryAfterMs =
    typeof stated === 'number' ? stated : retryAfter === null ? null : secondsToMs(retryAfter);
  const message =
    (code === 'RATE_LIMITED' && retryAfterMs !== null ? 'Too many tries.' : WORDS[code]) ??
    (textOf(answer['message'], textOf(nested?.['message'], '')) || `The hive answered ${status}.`);
  return new AuthProblem(code, message, retryAfterMs);
}

/** What was thrown, as a problem; whatever else it is stays readable. */
export function asProblem(error: unknown): AuthProblem {
  if (error instanceof AuthProblem) return error;
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return new AuthProblem('TIMEOUT', 'The hive did not answer in time. Try again.');
  if (error instanceof TypeError)
    return new AuthProblem('NETWORK', `No connection to ${globalThis.location?.host ?? 'the hive'}.`);
  return new AuthProblem('UNKNOWN', error instanceof Error ? error.message : String(error));
}

function codeOfStatus(status: number): string {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 403) return 'FORBIDDEN';
  if (status === 429) return 'RATE_LIMITED';
  return `HTTP_${status}`;
}

function secondsToMs(seconds: string): number | null {
  const value = Number(seconds);
  return Number.isFinite(value) && value > 0 ? value * 1_000 : null;
}

const REDIRECT_WORDS: Readonly<Record<string, string>> = {
  access_denied: 'The sign-in was canceled on the other page.',
  account_not_linked:
    'That account is not connected to one here. Sign in another way, then connect it in Settings.',
  signup_disabled: 'That account is not known here. Ask for an invitation.',
};

/** What another provider sent the person back with. @param search the query of the address */
export function redirectProblem(search: string): AuthProblem | undefined {
  const error = new URLSearchParams(search).get('error');
  if (!error) return undefined;
  const known = Object.hasOwn(REDIRECT_WORDS, error) ? REDIRECT_WORDS[error] : undefined;
  return new AuthProblem(error, known ?? `The other page answered: ${error.replaceAll('_', ' ')}.`);
}

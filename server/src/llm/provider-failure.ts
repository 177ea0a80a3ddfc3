import { APICallError } from 'ai';
import { messageOf } from '../lib/errors.ts';

/** What went wrong at a provider, in words for a step's record. */
export interface ProviderFailure {
  code:
    | 'RATE_LIMITED'
    | 'SERVER_ERROR'
    | 'REFUSED_REQUEST'
    | 'UNAUTHORIZED'
    | 'TIMEOUT'
    | 'UNREACHABLE'
    | 'BROKEN_ANSWER';
  message: string;
  /** Whether the same provider may answer the same request a moment later. */
  retryable: boolean;
  /** What the provider asked for, ms. */
  retryAfterMs?: number;
}

/** The provider was silent for too long. */
export class SilenceError extends Error {
  constructor(silentMs: number) {
    super(`no answer for ${silentMs} ms`);
    this.name = 'SilenceError';
  }
}

const unreachable =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ETIMEDOUT|UND_ERR_CONNECT_TIMEOUT/;

export function describeFailure(error: unknown, now: number): ProviderFailure {
  if (error instanceof SilenceError) return { code: 'TIMEOUT', message: error.message, retryable: false };
  if (APICallError.isInstance(error) && error.statusCode !== undefined && error.statusCode >= 400) {
    return describeStatus(error, error.statusCode, now);
  }
  const text = causes(error)
    .map((cause) => `${codeText(cause)}${messageOf(cause)}`)
    .join(': ');
  if (unreachable.test(text)) return { code: 'UNREACHABLE', message: shorten(text), retryable: false };
  // A stream that ended early or holds half a JSON document: worth one more try.
  return { code: 'BROKEN_ANSWER', message: shorten(text), retryable: true };
}

function describeStatus(error: APICallError, status: number, now: number): ProviderFailure {
  const message = shorten(`${status}: ${error.message}`);
  const wait = retryAfterMs(error.responseHeaders, now);
  const delay = wait === undefined ? {} : { retryAfterMs: wait };
  if (status === 429) return { code: 'RATE_LIMITED', message, retryable: true, ...delay };
  if (status >= 500 || status === 408) return { code: 'SERVER_ERROR', message, retryable: true, ...delay };
  if (status === 401 || status === 403) return { code: 'UNAUTHORIZED', message, retryable: false };
  return { code: 'REFUSED_REQUEST', message, retryable: false };
}

/** `Retry-After` in seconds or as a date (RFC 9110, 10.2.3), and the finer `retry-after-ms` some providers send. */
export function retryAfterMs(headers: Record<string, string> | undefined, now: number): number | undefined {
  const fine = Number(headers?.['retry-after-ms']);
  if (headers?.['retry-after-ms'] !== undefined && Number.isFinite(fine)) return Math.max(0, fine);
  const text = headers?.['retry-after'];
  if (text === undefined) return undefined;
  const seconds = Number(text);
  if (Number.isFinite(seconds)) return Math.max(0, seconds * 1_000);
  const at = Date.parse(text);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}

function causes(error: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let next = error; next !== undefined && next !== null && chain.length < 5;) {
    chain.push(next);
    if (next instanceof AggregateError) chain.push(...(next.errors as unknown[]).slice(0, 2));
    next = next instanceof Error ? next.cause : undefined;
  }
  return chain;
}

function codeText(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  return code === '' || messageOf(error).includes(code) ? '' : `${code} `;
}

function shorten(text: string): string {
  const line = text.replace(/\s+/g, ' ').trim();
  return line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

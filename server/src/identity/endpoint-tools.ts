import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { GenericEndpointContext } from 'better-auth';
import { APIError, getSessionFromCtx } from 'better-auth/api';
import { setSessionCookie } from 'better-auth/cookies';
import { LRUCache } from 'lru-cache';
import type { Sql } from '../stores/sql.ts';
import type { IdentityEvent, IdentityOptions, SessionMethod } from './identity-options.ts';
import { findStanding, type Standing } from './session-store.ts';

/** Set by the entry, whatever a client sends under these names. */
export const addressHeader = 'x-hive-address';
export const localHeader = 'x-hive-local';

/** How long after proving who one is by anything at all new credentials can be added without proving it again. */
const provenSeconds = 10 * 60;
export const stepUpSeconds = 5 * 60;

export interface SignedIn {
  sessionId: string;
  userId: string;
  email: string;
  name: string;
}

/** What the endpoints share: their ports, and the rules that hold for more than one of them. */
export interface EndpointTools {
  options: IdentityOptions;
  sql: Sql;
  /** Records an event with the address and program of the request. */
  record(ctx: GenericEndpointContext, event: IdentityEvent): Promise<void>;
  /**
   * Counts a try at a secret, by address and, where one is known, by account. @throws APIError 429
   * @param account what is tried to be let in; hashed, so that no address of a person is kept in a bucket's name
   */
  countAttempt(ctx: GenericEndpointContext, account?: string): Promise<void>;
  /** @throws APIError 401 */
  requireSession(ctx: GenericEndpointContext): Promise<SignedIn>;
  /** Lets pass who may add and remove credentials. @throws APIError 403 that says what to prove first */
  requireProof(ctx: GenericEndpointContext): Promise<{ session: SignedIn; standing: Standing }>;
  /** Starts a session and sets its cookie. @returns its id */
  signIn(
    ctx: GenericEndpointContext,
    userId: string,
    session: { method: SessionMethod; steppedUpAt?: Date; provenAt?: Date; deviceName?: string },
  ): Promise<string>;
}

export function createEndpointTools(options: IdentityOptions, sql: Sql): EndpointTools {
  // A flood of refused tries must not become a flood of audit entries: one a minute and address tells as much.
  const toldOf = new LRUCache<string, true>({ max: 1_000, ttl: 60_000 });
  const tools: EndpointTools = {
    options,
    sql,
    record: (ctx, event) => options.onEvent({ ...originOf(ctx), ...event }),
    async countAttempt(ctx, account) {
      const { address } = originOf(ctx);
      const tries = [options.throttle('identity.address', address ?? 'unknown')];
      if (account !== undefined)
        tries.push(
          options.throttle('identity.account', createHash('sha256').update(account).digest('base64url')),
        );
      const refused = (await Promise.all(tries)).filter(({ allowed }) => !allowed);
      if (refused.length === 0) return;
      if (!toldOf.has(address ?? '')) {
        toldOf.set(address ?? '', true);
        await tools.record(ctx, { type: 'sign_in.throttled', detail: { path: ctx.path ?? '' } });
      }
      throw rateLimited(Math.max(...refused.map(({ retryAfterMs }) => retryAfterMs)));
    },
    async requireSession(ctx) {
      const found = await getSessionFromCtx(ctx);
      if (!found) throw refuse('UNAUTHORIZED', 'UNAUTHENTICATED', 'Sign in first.');
      const { user, session } = found;
      return { sessionId: session.id, userId: user.id, email: user.email, name: user.name };
    },
    async requireProof(ctx) {
      const session = await tools.requireSession(ctx);
      const standing = await findStanding(sql, session.sessionId);
      if (!standing) throw refuse('UNAUTHORIZED', 'UNAUTHENTICATED', 'Sign in first.');
      if (mayEnrol(standing)) return { session, standing };
      throw hasFactor(standing)
        ? refuse(
            'FORBIDDEN',
            'STEP_UP_REQUIRED',
            'Confirm with your passkey or a one-time code first; it counts for five minutes.',
          )
        : refuse(
            'FORBIDDEN',
            'CONFIRM_REQUIRED',
            'Confirm your password first, or sign in again; it counts for ten minutes.',
          );
    },
    async signIn(ctx, userId, session) {
      const created = await ctx.context.internalAdapter.createSession(userId, false, session);
      const user = await ctx.context.internalAdapter.findUserById(userId);
      if (!created || !user)
        throw refuse('UNAUTHORIZED', 'UNAUTHENTICATED', 'This account cannot sign in any more.');
      await setSessionCookie(ctx, { session: created, user });
      return created.id;
    },
  };
  return tools;
}

/** A second factor: only with it can a session prove what its password or cookie alone does not. */
export function hasFactor({ passkeyCount, hasTotp }: Standing): boolean {
  return passkeyCount > 0 || hasTotp;
}

const enrollingMethods: readonly string[] = ['RECOVERY', 'SETUP', 'INVITATION', 'PAIRING'];

/**
 * Adding a passkey must not be a way around step-up, so a session of somebody who has a second factor needs it. Those who
 * came by a recovery code, a setup link, an invitation or from a device that had just stepped up may have none at hand: for
 * them the first minutes count.
 */
export function mayEnrol(standing: Standing): boolean {
  const { method, steppedUpFor, provenFor } = standing;
  if (steppedUpFor !== null && steppedUpFor < stepUpSeconds) return true;
  if (provenFor === null || provenFor >= provenSeconds) return false;
  return enrollingMethods.includes(method ?? '') || !hasFactor(standing);
}

export function originOf(ctx: GenericEndpointContext): { address?: string; userAgent?: string } {
  const address = ctx.headers?.get(addressHeader);
  const userAgent = ctx.headers?.get('user-agent')?.slice(0, 400);
  return { ...(address ? { address } : {}), ...(userAgent ? { userAgent } : {}) };
}

/** Scheme and host of the request, as better-auth was told when its instance was made. */
export function baseUrlOf(ctx: GenericEndpointContext): string {
  return new URL(ctx.context.baseURL).origin;
}

/** A page under it has what browsers keep for secure contexts: install, push, and, under a name, passkeys. */
export function isSecureContext(baseUrl: string): boolean {
  return baseUrl.startsWith('https:') || isLoopback(baseUrl);
}

/** Only programs on the machine itself get there. */
export function isLoopback(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  const isName = hostname === 'localhost' || hostname.endsWith('.localhost');
  return isName || hostname === '[::1]' || /^127(\.\d+){3}$/.test(hostname);
}

/** Browsers make passkeys only in a secure context, and only for names: an address cannot own one. */
export function canUsePasskeys(baseUrl: string): boolean {
  const { hostname } = new URL(baseUrl);
  return isIP(hostname.replace(/^\[(.*)\]$/, '$1')) === 0 && isSecureContext(baseUrl);
}

export function refuse(
  status: 'BAD_REQUEST' | 'UNAUTHORIZED' | 'FORBIDDEN' | 'NOT_FOUND' | 'CONFLICT',
  code: string,
  message: string,
): APIError {
  return new APIError(status, { code, message });
}

/** One answer for a link that never was, was used, or has expired. */
export function invalidLink(): APIError {
  return refuse(
    'BAD_REQUEST',
    'INVALID_TOKEN',
    'This link is not valid any more: it was used already or has expired. Ask for a new one.',
  );
}

function rateLimited(retryAfterMs: number): APIError {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000));
  return new APIError(
    'TOO_MANY_REQUESTS',
    { code: 'RATE_LIMITED', message: `Too many tries. Try again in ${seconds} s.`, retryAfterMs },
    { 'retry-after': String(seconds) },
  );
}

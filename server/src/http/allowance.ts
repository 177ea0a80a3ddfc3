import type { ServerResponse } from 'node:http';
import type { HiveConfig } from '../config/schema.ts';
import type { Principal } from '../engines/security/principal.ts';
import type { RateLimiter } from '../engines/security/rate-limit.ts';
import { RateLimitedError } from '../lib/errors.ts';
import { networkOf } from '../lib/network-of.ts';

export type RateSettings = Pick<
  HiveConfig['security'],
  'rateBurst' | 'rateRefillSeconds' | 'anonymousBurst' | 'anonymousRefillSeconds'
>;

/** What one more request or operation leaves of a limit. */
export interface Allowance {
  policy: 'user' | 'key' | 'anonymous' | 'connect';
  allowed: boolean;
  limit: number;
  windowSeconds: number;
  remaining: number;
  /** Until the bucket is full again. */
  resetMs: number;
  /** Until one more would be allowed; 0 when it is. */
  retryAfterMs: number;
}

export interface Allowances {
  /** @returns undefined when nothing limits them */
  ofPrincipal(principal: Principal): Promise<Allowance | undefined>;
  /** For requests nobody was recognised in, so that guessing is slow. */
  ofAddress(address: string): Promise<Allowance | undefined>;
  /** For opening WebSockets: as many as a person may make requests, since a whole office can share an address. */
  ofConnection(address: string): Promise<Allowance | undefined>;
}

/** Counts people, keys and addresses, each against their own bucket. Settings are read anew with each count. */
export function createAllowances(limiter: RateLimiter, settings: () => RateSettings): Allowances {
  async function take(
    policy: Allowance['policy'],
    key: string,
    burst: number,
    refillSeconds: number,
  ): Promise<Allowance | undefined> {
    if (burst === 0) return undefined;
    const verdict = await limiter.take(policy, key, { burst, refillSeconds });
    return {
      policy,
      windowSeconds: refillSeconds,
      allowed: verdict.allowed,
      limit: verdict.limit,
      remaining: verdict.remaining,
      resetMs: verdict.resetMs,
      retryAfterMs: verdict.retryAfterMs,
    };
  }
  const signedIn = (policy: Allowance['policy'], key: string) => {
    const { rateBurst, rateRefillSeconds } = settings();
    return take(policy, key, rateBurst, rateRefillSeconds);
  };
  return {
    ofPrincipal({ credential }) {
      if (credential.type === 'LOCAL') return Promise.resolve(undefined);
      if (credential.type === 'SESSION') return signedIn('user', credential.userId);
      // A token counts with the key it was exchanged for: more tokens give no more room.
      return signedIn('key', credential.type === 'API_KEY' ? credential.id : credential.keyId);
    },
    ofAddress(address) {
      const { anonymousBurst, anonymousRefillSeconds } = settings();
      return take('anonymous', networkOf(address), anonymousBurst, anonymousRefillSeconds);
    },
    ofConnection: (address) => signedIn('connect', networkOf(address)),
  };
}

/** The fields of draft-ietf-httpapi-ratelimit-headers-10; seconds are rounded up, so that whoever waits waits enough. */
export function announceAllowance(response: ServerResponse, allowance: Allowance): void {
  const { policy, limit, windowSeconds, remaining, resetMs, allowed, retryAfterMs } = allowance;
  response.setHeader('ratelimit-policy', `"${policy}";q=${limit};w=${windowSeconds}`);
  response.setHeader('ratelimit', `"${policy}";r=${Math.floor(remaining)};t=${Math.ceil(resetMs / 1_000)}`);
  if (!allowed) response.setHeader('retry-after', String(Math.max(1, Math.ceil(retryAfterMs / 1_000))));
}

export function tooMany({ policy, limit, windowSeconds, retryAfterMs }: Allowance): RateLimitedError {
  const whose = {
    user: 'You may make',
    key: 'This key may make',
    anonymous: 'Without a valid sign-in, an address may make',
    connect: 'An address may open',
  }[policy];
  const what = policy === 'connect' ? 'WebSockets' : 'requests';
  return new RateLimitedError(
    `${whose} ${limit} ${what} at once, refilled in ${windowSeconds} s. Try again in ${Math.max(1, Math.ceil(retryAfterMs / 1_000))} s.`,
    Math.ceil(retryAfterMs),
  );
}

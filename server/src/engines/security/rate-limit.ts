import type { Clock } from '../../lib/clock.ts';

/** A bucket of `burst` tokens that fills up, evenly, in `refillSeconds`. A burst of 0 is no limit. */
export interface RateLimit {
  burst: number;
  refillSeconds: number;
}

export interface RateVerdict {
  allowed: boolean;
  /** The burst; 0: no limit applies, and the other numbers mean nothing. */
  limit: number;
  /** Whole tokens left. */
  remaining: number;
  /** Until the bucket is full again. */
  resetMs: number;
  /** Until the same request would be allowed; 0 when it was. */
  retryAfterMs: number;
}

export interface RateLimiter {
  /**
   * Takes tokens, all or none. Answers at once where it can: a promise a request would cost more than the bucket.
   * @param bucket what is limited, for example `api` or `sign-in`
   * @param key who, for example an address or the id of a key
   * @param cost tokens; more than the burst counts as the burst, so that it is possible at all. Default 1
   */
  take(bucket: string, key: string, limit: RateLimit, cost?: number): RateVerdict | Promise<RateVerdict>;
}

export const unlimited: RateVerdict = {
  allowed: true,
  limit: 0,
  remaining: 0,
  resetMs: 0,
  retryAfterMs: 0,
};

const graceMs = 1e-6;

interface Bucket {
  tokens: number;
  /** When `tokens` was right, ms. */
  at: number;
}

export interface TokenBucketsOptions {
  clock: Pick<Clock, 'now'>;
  /** Most buckets kept. Default 50,000, some 8 MB. */
  maxBuckets?: number;
}

/**
 * Token buckets in memory, filled lazily when they are looked at. The least recently used make room; a bucket that has
 * filled up meanwhile is like one never used, so forgetting it gives nothing away.
 */
export class TokenBuckets implements RateLimiter {
  readonly #clock: Pick<Clock, 'now'>;
  readonly #maxBuckets: number;
  /** In the order of use, the oldest first. */
  readonly #buckets = new Map<string, Bucket>();

  constructor(options: TokenBucketsOptions) {
    this.#clock = options.clock;
    this.#maxBuckets = options.maxBuckets ?? 50_000;
  }

  get size(): number {
    return this.#buckets.size;
  }

  take(bucket: string, key: string, limit: RateLimit, cost = 1): RateVerdict {
    const { burst } = limit;
    if (burst === 0) return unlimited;
    const now = this.#clock.now();
    const perMs = burst / (limit.refillSeconds * 1_000);
    const name = `${bucket}\n${key}`;
    const known = this.#buckets.get(name);
    // A clock that was set back must neither fill nor empty a bucket.
    const passedMs = known === undefined ? 0 : Math.max(0, now - known.at);
    const before = known === undefined ? burst : Math.min(burst, known.tokens + passedMs * perMs);
    const wanted = Math.min(cost, burst);
    const missingMs = (wanted - before) / perMs;
    // A nanosecond of grace: what accumulates in steps may miss a whole number by a rounding error.
    const allowed = missingMs <= graceMs;
    const tokens = allowed ? Math.max(0, before - wanted) : before;
    if (known) {
      known.tokens = tokens;
      known.at = now;
      this.#buckets.delete(name);
      this.#buckets.set(name, known);
    } else {
      this.#buckets.set(name, { tokens, at: now });
      if (this.#buckets.size > this.#maxBuckets) this.#forgetOldest();
    }
    return {
      allowed,
      limit: burst,
      remaining: Math.floor(tokens + graceMs),
      resetMs: Math.ceil((burst - tokens) / perMs - graceMs),
      retryAfterMs: allowed ? 0 : Math.max(1, Math.ceil(missingMs - graceMs)),
    };
  }

  #forgetOldest(): void {
    const oldest = this.#buckets.keys().next();
    if (!oldest.done) this.#buckets.delete(oldest.value);
  }
}

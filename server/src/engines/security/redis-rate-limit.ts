import { Redis } from 'ioredis';
import { backoffMs } from '../../lib/backoff.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { TokenBuckets, unlimited, type RateLimit, type RateLimiter, type RateVerdict } from './rate-limit.ts';

export interface RedisRateLimiterOptions {
  url: string;
  clock: Pick<Clock, 'now'>;
  log: Logger;
  /** Most keys this process remembers. Default 50,000. */
  maxKeys?: number;
}

const reconnect = { initialMs: 200, factor: 2, maxMs: 5_000 };
/** A limiter that takes longer than this is worse than one that counts by itself for a moment. */
const commandTimeoutMs = 250;
/** After a command that failed Redis is left alone for so long: while it hangs, not every request shall wait for it. */
const restMs = 1_000;

/**
 * Refills and takes in one step, by the clock of Redis, which all nodes share. KEYS: the bucket. ARGV: burst, refill in ms,
 * tokens needed, tokens wanted. Answers tokens taken, tokens left, and for how many ms the needed ones are still missing.
 * Numbers go out as text, since Redis would cut them to whole ones.
 */
const script = `
local burst, refill = tonumber(ARGV[1]), tonumber(ARGV[2])
local need, want = tonumber(ARGV[3]), tonumber(ARGV[4])
local time = redis.call('TIME')
local now = time[1] * 1000 + time[2] / 1000
local known = redis.call('HMGET', KEYS[1], 'tokens', 'at')
local tokens = burst
if known[1] then
  tokens = math.min(burst, tonumber(known[1]) + math.max(0, now - tonumber(known[2])) * burst / refill)
end
local taken, missing = 0, 0
if tokens + 1e-9 >= need then
  taken = math.min(want, math.max(need, math.floor(tokens)))
  tokens = math.max(0, tokens - taken)
else
  missing = math.ceil((need - tokens) * refill / burst)
end
redis.call('HSET', KEYS[1], 'tokens', string.format('%.9f', tokens), 'at', string.format('%.3f', now))
redis.call('PEXPIRE', KEYS[1], math.ceil(refill) + 1000)
return { string.format('%.9f', taken), string.format('%.9f', tokens), tostring(missing) }
`;

/** What this process holds of a bucket. */
interface Holding {
  /** Taken from Redis and not used yet. */
  tokens: number;
  /** Until when they may be used. */
  until: number;
  /** Left in Redis when it was asked last. */
  left: number;
  /** Redis said that so many tokens are not there before then. */
  denied: { cost: number; until: number } | undefined;
  asking: Promise<void> | undefined;
}

interface RedisWithBucket extends Redis {
  hiveTakeTokens(
    key: string,
    burst: number,
    refillMs: number,
    need: number,
    want: number,
  ): Promise<[string, string, string]>;
}

/**
 * Token buckets that all nodes share. To keep Redis out of most requests a node takes tokens in small chunks ahead, a fiftieth
 * of the burst, and answers from those at once; a refusal is remembered for as long as it holds. Tokens are given out only
 * after Redis has given them: all nodes together never exceed the bucket, but what one of them holds may be used a little
 * later than it was taken, so a short stretch of time may see a fiftieth more per node. What is not used within a tenth of the
 * refill time is given up: at most a fifth of a key's rate, and only of limits of 100 or more.
 *
 * While Redis is away each node counts by itself: n nodes then allow up to n times the limit.
 */
export class RedisRateLimiter implements RateLimiter {
  readonly #redis: RedisWithBucket;
  readonly #fallback: TokenBuckets;
  readonly #clock: Pick<Clock, 'now'>;
  readonly #log: Logger;
  readonly #maxKeys: number;
  /** In the order of use, the oldest first. */
  readonly #holdings = new Map<string, Holding>();
  #away = false;
  /** Until then this process counts by itself. */
  #restsUntil = 0;
  #stopped = false;

  constructor(options: RedisRateLimiterOptions) {
    this.#clock = options.clock;
    this.#log = options.log;
    this.#maxKeys = options.maxKeys ?? 50_000;
    this.#fallback = new TokenBuckets({ clock: options.clock, maxBuckets: this.#maxKeys });
    const redis = new Redis(options.url, {
      lazyConnect: true,
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: 5_000,
      commandTimeout: commandTimeoutMs,
      retryStrategy: (tries: number) => backoffMs(reconnect, tries),
    });
    redis.defineCommand('hiveTakeTokens', { numberOfKeys: 1, lua: script });
    this.#redis = redis as RedisWithBucket;
  }

  /** Connects; until then, and whenever Redis is away, this process counts by itself. */
  start(): void {
    // Without a listener an error event ends the process.
    this.#redis.on('error', (error) => this.#isAway(error));
    this.#redis.on('close', () => this.#isAway(new Error('connection closed')));
    this.#redis.on('ready', () => this.#isBack());
    this.#redis.connect().catch(() => undefined);
  }

  /** Resolves as soon as Redis can be asked. */
  connected(): Promise<void> {
    if (this.#redis.status === 'ready') return Promise.resolve();
    return new Promise((resolve) => void this.#redis.once('ready', () => resolve()));
  }

  stop(): Promise<void> {
    this.#stopped = true;
    this.#redis.disconnect();
    return Promise.resolve();
  }

  take(bucket: string, key: string, limit: RateLimit, cost = 1): RateVerdict | Promise<RateVerdict> {
    if (limit.burst === 0) return unlimited;
    if (this.#redis.status !== 'ready' || this.#clock.now() < this.#restsUntil)
      return this.#fallback.take(bucket, key, limit, cost);
    const name = `hive:rate:${bucket}:${limit.burst}/${limit.refillSeconds}:${key}`;
    const holding = this.#holdingOf(name);
    const wanted = Math.min(cost, limit.burst);
    return (
      this.#takeHere(holding, limit, wanted) ??
      this.#takeThere(name, holding, limit, wanted).catch((error: unknown) => {
        this.#restsUntil = this.#clock.now() + restMs;
        this.#isAway(error);
        return this.#fallback.take(bucket, key, limit, cost);
      })
    );
  }

  /** @returns undefined when only Redis knows */
  #takeHere(holding: Holding, limit: RateLimit, cost: number): RateVerdict | undefined {
    const now = this.#clock.now();
    if (now >= holding.until) holding.tokens = 0;
    if (holding.tokens >= cost) {
      holding.tokens -= cost;
      return verdict(true, limit, holding.tokens + holding.left, 0);
    }
    const { denied } = holding;
    if (denied && now < denied.until && cost >= denied.cost)
      return verdict(false, limit, holding.tokens + holding.left, denied.until - now);
    return undefined;
  }

  async #takeThere(name: string, holding: Holding, limit: RateLimit, cost: number): Promise<RateVerdict> {
    for (;;) {
      // Whoever comes while Redis is being asked waits for that answer: it may be enough for all of them.
      while (holding.asking) await holding.asking;
      const here = this.#takeHere(holding, limit, cost);
      if (here) return here;
      holding.asking = this.#ask(name, holding, limit, cost).finally(() => (holding.asking = undefined));
      await holding.asking;
      // The one who asked is served first, before those who wait.
      const answer = this.#takeHere(holding, limit, cost);
      if (answer) return answer;
    }
  }

  async #ask(name: string, holding: Holding, limit: RateLimit, cost: number): Promise<void> {
    const { burst, refillSeconds } = limit;
    const need = cost - holding.tokens;
    const chunk = burst >= 100 ? Math.floor(burst / 50) : 1;
    const began = this.#clock.now();
    const want = Math.max(need, chunk);
    const answer = await this.#redis.hiveTakeTokens(name, burst, refillSeconds * 1_000, need, want);
    // It may have hung without the connection being lost.
    this.#isBack();
    const [taken, left, missingMs] = answer.map(Number) as [number, number, number];
    const now = this.#clock.now();
    holding.left = left;
    if (taken > 0) {
      holding.tokens += taken;
      // Counted from the answer, so that whoever asked can still use them after a slow one.
      holding.until = now + refillSeconds * 100;
      holding.denied = undefined;
    } else {
      holding.denied = { cost, until: Math.max(began + missingMs, now + 1) };
    }
  }

  #holdingOf(name: string): Holding {
    const known = this.#holdings.get(name);
    const holding = known ?? { tokens: 0, until: 0, left: 0, denied: undefined, asking: undefined };
    if (known) this.#holdings.delete(name);
    this.#holdings.set(name, holding);
    if (this.#holdings.size > this.#maxKeys) {
      const oldest = this.#holdings.keys().next();
      if (!oldest.done) this.#holdings.delete(oldest.value);
    }
    return holding;
  }

  #isAway(error: unknown): void {
    if (this.#away || this.#stopped) return;
    this.#away = true;
    this.#log.warn(
      { error: messageOf(error) },
      'Redis is away: each server limits the rate of requests by itself',
    );
  }

  #isBack(): void {
    this.#restsUntil = 0;
    if (!this.#away) return;
    this.#away = false;
    this.#log.info('Redis is back: rates are limited across servers again');
  }
}

function verdict(allowed: boolean, limit: RateLimit, left: number, retryAfterMs: number): RateVerdict {
  const { burst, refillSeconds } = limit;
  const remaining = Math.min(burst, Math.max(0, left));
  return {
    allowed,
    limit: burst,
    remaining: Math.floor(remaining + 1e-9),
    resetMs: Math.ceil(((burst - remaining) * refillSeconds * 1_000) / burst),
    retryAfterMs: allowed ? 0 : Math.max(1, Math.ceil(retryAfterMs)),
  };
}

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { recordingLog, silentLog } from '../../../../tests/support/log.ts';
import {
  hasRedisServer,
  startRedisServer,
  type RedisServer,
} from '../../../../tests/support/redis-server.ts';
import { systemClock } from '../../lib/clock.ts';
import type { RateLimit, RateVerdict } from './rate-limit.ts';
import { RedisRateLimiter } from './redis-rate-limit.ts';

const limiters: RedisRateLimiter[] = [];
async function connect(url: string, log = silentLog): Promise<RedisRateLimiter> {
  const limiter = new RedisRateLimiter({ url, clock: systemClock, log });
  limiters.push(limiter);
  limiter.start();
  await limiter.connected();
  return limiter;
}
afterAll(() => Promise.all(limiters.map((limiter) => limiter.stop())));

/** Slow enough that nothing is refilled while a test runs. */
const hourly: RateLimit = { burst: 10, refillSeconds: 3_600 };

describe.skipIf(!hasRedisServer())('with Redis', () => {
  let redis: RedisServer;
  let keys = 0;
  const newKey = () => `key-${(keys += 1)}`;
  beforeAll(async () => {
    redis = await startRedisServer();
  });
  afterAll(() => redis.stop());

  it('counts what all nodes take, to the token', async () => {
    const nodes = await Promise.all([connect(redis.url), connect(redis.url), connect(redis.url)]);
    const key = newKey();
    const answers = await Promise.all(
      Array.from({ length: 60 }, async (_, index) => nodes[index % 3]!.take('api', key, hourly)),
    );
    expect(answers.filter((answer) => answer.allowed)).toHaveLength(10);
    const refused = answers.find((answer) => !answer.allowed)!;
    expect(refused).toMatchObject({ limit: 10, remaining: 0 });
    expect(refused.retryAfterMs).toBeGreaterThan(350_000);
    expect(refused.retryAfterMs).toBeLessThanOrEqual(360_000);
  });

  it('never gives more than there is when nodes take ahead, and says no at once', async () => {
    const limit = { burst: 500, refillSeconds: 36_000 };
    const nodes = await Promise.all([connect(redis.url), connect(redis.url)]);
    const key = newKey();
    let allowed = 0;
    let atOnce = 0;
    for (let round = 0; round < 1_200; round += 1) {
      const answer = nodes[round % 2]!.take('api', key, limit);
      if (!(answer instanceof Promise)) atOnce += 1;
      if ((await answer).allowed) allowed += 1;
    }
    expect(allowed).toBe(500);
    // Nine of ten from the chunk, and every refusal but the first.
    expect(atOnce).toBeGreaterThan(1_100);
  });

  it('refills by the time of Redis', async () => {
    const limit = { burst: 5, refillSeconds: 1 };
    const node = await connect(redis.url);
    const key = newKey();
    const take = async () => (await node.take('api', key, limit)) as RateVerdict;
    const began = performance.now();
    let allowed = 0;
    while (allowed < 8) {
      const answer = await take();
      if (answer.allowed) allowed += 1;
      else await systemClock.sleep(answer.retryAfterMs);
    }
    const seconds = (performance.now() - began) / 1_000;
    expect(allowed).toBeLessThanOrEqual(5 + 5 * seconds + 1e-6);
  });

  it('takes costs all or none, and what costs more than the burst when the bucket is full', async () => {
    const node = await connect(redis.url);
    const key = newKey();
    expect(await node.take('api', key, hourly, 7)).toMatchObject({ allowed: true, remaining: 3 });
    expect(await node.take('api', key, hourly, 4)).toMatchObject({ allowed: false, remaining: 3 });
    expect(await node.take('api', key, hourly, 3)).toMatchObject({ allowed: true, remaining: 0 });
    expect(await node.take('api', newKey(), hourly, 99)).toMatchObject({ allowed: true, remaining: 0 });
  });

  it('keeps buckets, keys and limits apart, whatever is in a key', async () => {
    const node = await connect(redis.url);
    const key = `${newKey()} {a}:\r\n*1`;
    const one = { burst: 1, refillSeconds: 3_600 };
    expect((await node.take('api', key, one)).allowed).toBe(true);
    expect((await node.take('api', key, one)).allowed).toBe(false);
    expect((await node.take('sign-in', key, one)).allowed).toBe(true);
    expect((await node.take('api', `${key}x`, one)).allowed).toBe(true);
  });

  it('counts by itself while Redis is away, says so once, and goes back', async () => {
    const own = await startRedisServer();
    const log = recordingLog();
    const node = await connect(own.url, log);
    const key = newKey();
    expect((await node.take('api', key, hourly)).allowed).toBe(true);
    await own.stop();
    const answers = await Promise.all(Array.from({ length: 30 }, async () => node.take('api', key, hourly)));
    expect(answers.filter((answer) => answer.allowed)).toHaveLength(10);
    const again = node.take('api', key, hourly);
    expect(again).not.toBeInstanceOf(Promise);
    expect(log.lines.filter((line) => line.level === 'warn')).toHaveLength(1);
    await own.start();
    await node.connected();
    expect((await node.take('api', key, hourly)).allowed).toBe(true);
    expect(log.lines.filter((line) => line.level === 'info')).toHaveLength(1);
    await own.stop();
  });
});

it('answers at once, without a promise, as long as no Redis was reached', () => {
  const limiter = new RedisRateLimiter({ url: 'redis://127.0.0.1:9', clock: systemClock, log: silentLog });
  limiters.push(limiter);
  expect(limiter.take('api', 'a', hourly)).toMatchObject({ allowed: true, remaining: 9 });
  expect(limiter.take('api', 'a', { burst: 0, refillSeconds: 1 })).toMatchObject({ limit: 0 });
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { TokenBuckets } from './rate-limit.ts';

function bucketsAt(start = 1_000): { buckets: TokenBuckets; clock: { now(): number; at: number } } {
  const clock = { at: start, now: () => clock.at };
  return { buckets: new TokenBuckets({ clock, maxBuckets: 3 }), clock };
}

const limit = { burst: 10, refillSeconds: 5 };

it('gives the burst at once, then refuses and says for how long', () => {
  const { buckets, clock } = bucketsAt();
  const answers = Array.from({ length: 11 }, () => buckets.take('api', 'a', limit));
  expect(answers.map((answer) => answer.allowed)).toEqual([...Array<boolean>(10).fill(true), false]);
  expect(answers[0]).toEqual({ allowed: true, limit: 10, remaining: 9, resetMs: 500, retryAfterMs: 0 });
  expect(answers[10]).toEqual({ allowed: false, limit: 10, remaining: 0, resetMs: 5_000, retryAfterMs: 500 });
  clock.at += 499;
  expect(buckets.take('api', 'a', limit)).toMatchObject({ allowed: false, retryAfterMs: 1 });
  clock.at += 1;
  expect(buckets.take('api', 'a', limit).allowed).toBe(true);
});

it('keeps keys and buckets apart, and knows a burst of 0 as no limit', () => {
  const { buckets } = bucketsAt();
  const one = { burst: 1, refillSeconds: 60 };
  expect(buckets.take('api', 'a', one).allowed).toBe(true);
  expect(buckets.take('api', 'b', one).allowed).toBe(true);
  expect(buckets.take('sign-in', 'a', one).allowed).toBe(true);
  expect(buckets.take('api', 'a', one).allowed).toBe(false);
  expect(buckets.take('api', 'a', { burst: 0, refillSeconds: 1 })).toMatchObject({ allowed: true, limit: 0 });
});

it('takes all or nothing, and what costs more than the burst when the bucket is full', () => {
  const { buckets, clock } = bucketsAt();
  expect(buckets.take('api', 'a', limit, 7)).toMatchObject({ allowed: true, remaining: 3 });
  expect(buckets.take('api', 'a', limit, 4)).toMatchObject({
    allowed: false,
    remaining: 3,
    retryAfterMs: 500,
  });
  expect(buckets.take('api', 'a', limit, 99)).toMatchObject({ allowed: false, retryAfterMs: 3_500 });
  clock.at += 3_500;
  expect(buckets.take('api', 'a', limit, 99)).toMatchObject({ allowed: true, remaining: 0 });
});

it('forgets the least recently used', () => {
  const { buckets } = bucketsAt();
  for (const key of ['a', 'b', 'c']) buckets.take('api', key, limit, 10);
  buckets.take('api', 'a', limit);
  buckets.take('api', 'd', limit);
  expect(buckets.size).toBe(3);
  expect(buckets.take('api', 'a', limit).allowed).toBe(false);
  expect(buckets.take('api', 'b', limit).allowed).toBe(true);
});

const settings = { burst: fc.integer({ min: 1, max: 50 }), refillSeconds: fc.integer({ min: 1, max: 100 }) };

it('never gives more than the burst and what has been refilled, over any stretch of time', () => {
  fc.assert(
    fc.property(
      fc.record(settings),
      fc.array(
        fc.record({ waitMs: fc.integer({ min: 0, max: 5_000 }), cost: fc.integer({ min: 1, max: 60 }) }),
        {
          maxLength: 200,
        },
      ),
      (rule, requests) => {
        const { buckets, clock } = bucketsAt();
        const taken: { at: number; cost: number }[] = [];
        for (const { waitMs, cost } of requests) {
          clock.at += waitMs;
          if (buckets.take('b', 'k', rule, cost).allowed)
            taken.push({ at: clock.at, cost: Math.min(cost, rule.burst) });
        }
        for (let from = 0; from < taken.length; from += 1) {
          let sum = 0;
          for (const { at, cost } of taken.slice(from)) {
            sum += cost;
            const most = rule.burst + ((at - taken[from]!.at) * rule.burst) / (rule.refillSeconds * 1_000);
            expect(sum).toBeLessThanOrEqual(most + 1e-6);
          }
        }
      },
    ),
  );
});

it('allows the same request after exactly the time it named, and not before', () => {
  fc.assert(
    fc.property(
      fc.record(settings),
      fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 30 }),
      (rule, costs) => {
        const { buckets, clock } = bucketsAt();
        for (const cost of costs) {
          const { allowed, retryAfterMs } = buckets.take('b', 'k', rule, cost);
          if (allowed) continue;
          clock.at += retryAfterMs - 1;
          expect(buckets.take('b', 'k', rule, cost).allowed).toBe(false);
          clock.at += 1;
          expect(buckets.take('b', 'k', rule, cost).allowed).toBe(true);
        }
      },
    ),
  );
});

it('neither fills nor starves when the clock is set back', () => {
  const { buckets, clock } = bucketsAt(1_000_000);
  buckets.take('b', 'k', limit, 10);
  clock.at -= 900_000;
  expect(buckets.take('b', 'k', limit).allowed).toBe(false);
  clock.at += 500;
  expect(buckets.take('b', 'k', limit).allowed).toBe(true);
});

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { backoffMs } from './backoff.ts';

it('waits longer with each attempt, never beyond the cap and never not at all', () => {
  fc.assert(
    fc.property(fc.nat({ max: 1_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (attempt, random) => {
      const waitMs = backoffMs(attempt, () => random, 500, 20_000);
      expect(waitMs).toBeGreaterThanOrEqual(250);
      expect(waitMs).toBeLessThanOrEqual(20_000);
    }),
  );
});

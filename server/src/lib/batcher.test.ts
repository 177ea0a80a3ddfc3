import { describe, expect, it } from 'vitest';
import { createBatcher } from './batcher.ts';

describe('a batcher', () => {
  it('writes what comes together in one go and gives each its own result', async () => {
    const batches: number[][] = [];
    const batcher = createBatcher<number, string>({
      ...{ maxSize: 10, lingerMs: 1 },
      flush: async (items) => {
        batches.push([...items]);
        return items.map((item) => `r${item}`);
      },
    });
    expect(await Promise.all([1, 2, 3].map((item) => batcher.add(item)))).toEqual(['r1', 'r2', 'r3']);
    expect(batches).toEqual([[1, 2, 3]]);
  });

  it('gathers the next batch while one is being written, in order and never too large', async () => {
    const batches: number[][] = [];
    let active = 0;
    const batcher = createBatcher<number, number>({
      ...{ maxSize: 4, lingerMs: 0 },
      flush: async (items) => {
        expect((active += 1)).toBe(1);
        await new Promise((resolve) => setTimeout(resolve, 1));
        batches.push([...items]);
        active -= 1;
        return items;
      },
    });
    await Promise.all(Array.from({ length: 11 }, (_, index) => batcher.add(index)));
    expect(batches.flat()).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(Math.max(...batches.map((batch) => batch.length))).toBe(4);
  });

  it('fails only the batch that failed', async () => {
    let fail = true;
    const batcher = createBatcher<number, number>({
      ...{ maxSize: 1, lingerMs: 0 },
      flush: async (items) => {
        if (fail) {
          fail = false;
          throw new Error('no');
        }
        return items;
      },
    });
    const results = await Promise.allSettled([batcher.add(1), batcher.add(2)]);
    expect(results.map((result) => result.status)).toEqual(['rejected', 'fulfilled']);
  });

  it('is idle once everything was written', async () => {
    const written: number[] = [];
    const batcher = createBatcher<number, number>({
      ...{ maxSize: 2, lingerMs: 60_000 },
      flush: async (items) => {
        written.push(...items);
        return items;
      },
    });
    void batcher.add(1);
    await batcher.idle();
    expect(written).toEqual([1]);
  });
});

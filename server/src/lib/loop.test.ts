import { describe, expect, it } from 'vitest';
import { recordingLog } from '../../../tests/support/log.ts';
import { systemClock, type Clock } from './clock.ts';
import { startLoop } from './loop.ts';

/** A clock whose sleeps end only by abort, and that tells how long they were meant to be. */
function stoppedClock(): Clock & { sleeps: number[] } {
  const sleeps: number[] = [];
  return {
    sleeps,
    now: () => 0,
    sleep: (ms, signal) => (sleeps.push(ms), systemClock.sleep(60_000, signal)),
  };
}
const tick = () => new Promise((resolve) => setImmediate(resolve));

describe('a loop', () => {
  it('pauses between turns, goes on when woken and stops when told', async () => {
    const clock = stoppedClock();
    let turns = 0;
    const loop = startLoop({
      name: 'x',
      intervalMs: 500,
      clock,
      log: recordingLog(),
      turn: async () => void (turns += 1),
    });
    await tick();
    expect([turns, clock.sleeps]).toEqual([1, [500]]);
    loop.wake();
    await tick();
    expect(turns).toBe(2);
    await loop.stop();
    loop.wake();
    await tick();
    expect(turns).toBe(2);
  });

  it('does not lose a wake that comes during a turn', async () => {
    let turns = 0;
    const loop = startLoop({
      ...{ name: 'x', intervalMs: 500, clock: stoppedClock(), log: recordingLog() },
      turn: async () => {
        turns += 1;
        if (turns === 1) loop.wake();
        await tick();
      },
    });
    await tick();
    await tick();
    await tick();
    expect(turns).toBe(2);
    await loop.stop();
  });

  it('goes on after a failure, later and later, and says when it recovered', async () => {
    const log = recordingLog();
    const sleeps: number[] = [];
    const clock: Clock = { now: () => 0, sleep: async (ms) => void sleeps.push(ms) };
    let turns = 0;
    const loop = startLoop({
      ...{ name: 'x', intervalMs: 7, clock, log },
      turn: async () => {
        turns += 1;
        if (turns <= 3) throw new Error('away');
        await tick();
      },
    });
    while (turns < 5) await tick();
    await loop.stop();
    expect(sleeps.slice(0, 3).every((ms) => ms >= 100)).toBe(true);
    expect(log.lines.map((line) => line.message)).toEqual([
      'loop turn failed',
      'loop turn failed',
      'loop turn failed',
      'loop recovered',
    ]);
  });
});

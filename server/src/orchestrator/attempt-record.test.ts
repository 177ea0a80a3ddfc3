import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AttemptRecord } from './attempt-record.ts';

const ended = fc.record({
  taskId: fc.constant('t'),
  agentId: fc.constantFrom('a', 'b', null),
  attemptStatus: fc.constantFrom('SUCCEEDED', 'FAILED', 'RELEASED', 'WAITING'),
  durationMs: fc.nat(1_000),
});

describe('the record of attempts', () => {
  it('is the same whether or not writing it failed in between', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(ended, fc.boolean())), (happened) => {
        const [plain, interrupted] = [new AttemptRecord(), new AttemptRecord()];
        for (const [attempt, fails] of happened) {
          plain.add(attempt);
          const taken = fails ? interrupted.take() : [];
          interrupted.add(attempt);
          interrupted.putBack(taken);
        }
        const byAgent = (record: AttemptRecord) =>
          record
            .take()
            .toSorted((left, right) => (left.agentId < right.agentId ? -1 : 1))
            .map(({ meanDurationMs, ...counts }) => ({
              ...counts,
              mean: Math.round(meanDurationMs * 1_000),
            }));
        const told = byAgent(interrupted);
        expect(told.map(({ mean: _mean, ...counts }) => counts)).toEqual(
          byAgent(plain).map(({ mean: _mean, ...counts }) => counts),
        );
        const own = (agentId: string) =>
          happened
            .map(([attempt]) => attempt)
            .filter(
              (attempt) =>
                attempt.agentId === agentId &&
                (attempt.attemptStatus === 'SUCCEEDED' || attempt.attemptStatus === 'FAILED'),
            );
        for (const { agentId, mean } of told) {
          const durations = own(agentId).map((attempt) => attempt.durationMs);
          expect(mean / 1_000).toBeCloseTo(durations.reduce((sum, ms) => sum + ms, 0) / durations.length, 2);
        }
      }),
    );
  });

  it('counts the failures since the last success', () => {
    const record = new AttemptRecord();
    for (const attemptStatus of ['FAILED', 'SUCCEEDED', 'FAILED', 'FAILED'] as const)
      record.add({ taskId: 't', agentId: 'a', attemptStatus, durationMs: 10 });
    expect(record.take()).toEqual([
      { agentId: 'a', succeeded: 1, failed: 3, trailingFailures: 2, meanDurationMs: 10 },
    ]);
    expect(record.take()).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { DomainError } from '../../lib/errors.ts';
import type { ClaimedTaskRow } from '../../stores/task-rows.ts';
import { Interruption, UncertainStep } from './interruption.ts';
import { failureVerdict, successVerdict } from './verdict.ts';

const task = {
  ...{ id: 't', attempt: 1, maxAttempts: 3, backoffInitialMs: 1_000, backoffFactor: 2, backoffMaxMs: 5_000 },
} as ClaimedTaskRow;
const judge = (thrown: unknown, change: Partial<ClaimedTaskRow> = {}) =>
  failureVerdict({ ...task, ...change }, thrown, () => 0.5);

describe('the verdict of a failed attempt', () => {
  it('retries what may succeed later, further and further apart, up to the limit', () => {
    const delays = [1, 2, 3, 4, 5].map(
      (attempt) => judge(new Error('x'), { attempt, maxAttempts: 9 })!.delayMs,
    );
    expect(delays).toEqual([750, 1_500, 3_000, 3_750, 3_750]);
    expect(judge(new Error('x'), { attempt: 3 })).toMatchObject({
      status: 'FAILED',
      attemptStatus: 'FAILED',
      failureMessage: 'x',
    });
    expect(judge(new DomainError('UNAVAILABLE', 'busy', { retryable: true }))).toMatchObject({
      status: 'QUEUED',
      failureCode: 'UNAVAILABLE',
    });
  });
  it('gives up at once on what cannot', () => {
    expect(judge(new DomainError('VALIDATION', 'bad'))).toMatchObject({
      status: 'FAILED',
      failureCode: 'VALIDATION',
    });
  });
  it('counts a time limit as a failure and a shutdown as none', () => {
    expect(judge(new Interruption('TIMEOUT'), { attempt: 3 })).toMatchObject({
      status: 'FAILED',
      failureCode: 'TIMEOUT',
    });
    expect(judge(new Interruption('SHUTDOWN'), { attempt: 3 })).toMatchObject({
      status: 'QUEUED',
      attemptStatus: 'RELEASED',
      extraAttempts: 1,
    });
  });
  it('is silent about tasks that are no longer ours', () => {
    expect(judge(new Interruption('CANCELED'))).toBeUndefined();
    expect(judge(new Interruption('LEASE_LOST'))).toBeUndefined();
  });
  it('waits for a person about a step nobody can judge', () => {
    expect(judge(new UncertainStep('s', 'pay'))).toMatchObject({
      status: 'WAITING',
      attemptStatus: 'WAITING',
    });
  });
  it('survives whatever is thrown', () => {
    for (const thrown of [
      undefined,
      null,
      'text',
      7,
      { message: 'odd' },
      new Error(`a\0b${'x'.repeat(9_000)}`),
    ]) {
      const verdict = judge(thrown)!;
      expect(verdict.failureMessage!.length).toBeLessThanOrEqual(2_000);
      expect(verdict.failureMessage).not.toContain('\0');
    }
  });
});

describe('the verdict of a finished attempt', () => {
  it('carries an output only when there is one', () => {
    expect(successVerdict(task, undefined)).not.toHaveProperty('output');
    expect(successVerdict(task, { text: 'a' }).output).toEqual({
      ...{ text: 'a', data: null, citations: [], extractive: false, notice: null, provider: '', model: null },
    });
  });
});

import { backoffMs } from '../../lib/backoff.ts';
import { codeOf, DomainError, messageOf } from '../../lib/errors.ts';
import { storableJson, storableText } from '../../lib/json.ts';
import type { ClaimedTaskRow } from '../../stores/task-rows.ts';
import type { Verdict } from '../../stores/task-settle.ts';
import { Interruption, UncertainStep } from './interruption.ts';
import type { TaskOutcome } from './task-context.ts';

/** The verdict of an attempt whose handler returned. */
export function successVerdict(
  task: Pick<ClaimedTaskRow, 'id' | 'attempt'>,
  outcome: TaskOutcome | undefined,
): Verdict {
  const verdict: Verdict = {
    taskId: task.id,
    attempt: task.attempt,
    status: 'SUCCEEDED',
    attemptStatus: 'SUCCEEDED',
  };
  if (!outcome) return verdict;
  return {
    ...verdict,
    output: {
      text: storableText(outcome.text ?? ''),
      data: storableJson(outcome.data ?? null),
      citations: storableJson(outcome.citations ?? []),
      extractive: outcome.extractive ?? false,
      notice: outcome.notice ?? null,
      provider: outcome.provider ?? '',
      model: outcome.model ?? null,
    },
  };
}

/**
 * The verdict of an attempt whose handler threw; undefined when the task is no longer ours to judge (canceled, or its
 * lease taken by another process).
 */
export function failureVerdict(
  task: ClaimedTaskRow,
  thrown: unknown,
  random: () => number,
): Verdict | undefined {
  const base = { taskId: task.id, attempt: task.attempt };
  if (thrown instanceof Interruption) {
    if (thrown.kind === 'CANCELED' || thrown.kind === 'LEASE_LOST') return undefined;
    // Cut short by our shutdown, not by a fault of its own: it goes on at once and keeps all its attempts.
    if (thrown.kind === 'SHUTDOWN') {
      return { ...base, status: 'QUEUED', attemptStatus: 'RELEASED', extraAttempts: 1, delayMs: 0 };
    }
  }
  const failureMessage = storableText(messageOf(thrown)).slice(0, 2_000);
  if (thrown instanceof UncertainStep) {
    return { ...base, status: 'WAITING', attemptStatus: 'WAITING', waitReason: failureMessage };
  }
  const failure = { failureCode: codeOf(thrown), failureMessage };
  const retryable = !(thrown instanceof DomainError) || thrown.retryable;
  if (!retryable || task.attempt >= task.maxAttempts) {
    return { ...base, ...failure, status: 'FAILED', attemptStatus: 'FAILED' };
  }
  const policy = { initialMs: task.backoffInitialMs, factor: task.backoffFactor, maxMs: task.backoffMaxMs };
  return {
    ...base,
    ...failure,
    status: 'QUEUED',
    attemptStatus: 'FAILED',
    delayMs: backoffMs(policy, task.attempt, random),
  };
}

import type { SettledAttempt } from '../engines/task-execution/task-execution.ts';
import type { AttemptTally } from '../stores/agent-store.ts';

/** Gathers how attempts ended until the record of their agents is written. */
export class AttemptRecord {
  #tallies = new Map<string, AttemptTally & { durationMs: number }>();

  add({ agentId, attemptStatus, durationMs }: SettledAttempt): void {
    // A release or a question says nothing about the agent.
    if (agentId === null || (attemptStatus !== 'SUCCEEDED' && attemptStatus !== 'FAILED')) return;
    const tally = this.#tallies.get(agentId) ?? {
      agentId,
      succeeded: 0,
      failed: 0,
      trailingFailures: 0,
      meanDurationMs: 0,
      durationMs: 0,
    };
    if (attemptStatus === 'SUCCEEDED') {
      tally.succeeded += 1;
      tally.trailingFailures = 0;
    } else {
      tally.failed += 1;
      tally.trailingFailures += 1;
    }
    tally.durationMs += durationMs;
    tally.meanDurationMs = tally.durationMs / (tally.succeeded + tally.failed);
    this.#tallies.set(agentId, tally);
  }

  /** Takes what was gathered. */
  take(): AttemptTally[] {
    const taken = [...this.#tallies.values()].map(({ durationMs: _total, ...tally }) => tally);
    this.#tallies = new Map();
    return taken;
  }
}

import type { SettledAttempt } from '../engines/task-execution/task-execution.ts';
import type { AttemptTally } from '../stores/agent-store.ts';

/** Gathers how attempts ended until the record of their agents is written. */
export class AttemptRecord {
  #tallies = new Map<string, AttemptTally>();

  add({ agentId, attemptStatus, durationMs }: SettledAttempt): void {
    // A release or a question says nothing about the agent.
    if (agentId === null || (attemptStatus !== 'SUCCEEDED' && attemptStatus !== 'FAILED')) return;
    const failed = attemptStatus === 'FAILED' ? 1 : 0;
    const one = {
      agentId,
      succeeded: 1 - failed,
      failed,
      trailingFailures: failed,
      meanDurationMs: durationMs,
    };
    this.#tallies.set(agentId, joined(this.#tallies.get(agentId), one));
  }

  /** Takes what was gathered. */
  take(): AttemptTally[] {
    const taken = [...this.#tallies.values()];
    this.#tallies = new Map();
    return taken;
  }

  /** Gives back what was taken and could not be written. */
  putBack(taken: readonly AttemptTally[]): void {
    for (const tally of taken)
      this.#tallies.set(tally.agentId, joined(tally, this.#tallies.get(tally.agentId)));
  }
}

function joined(earlier: AttemptTally | undefined, later: AttemptTally): AttemptTally;
function joined(earlier: AttemptTally, later: AttemptTally | undefined): AttemptTally;
function joined(earlier: AttemptTally | undefined, later: AttemptTally | undefined): AttemptTally {
  if (!earlier || !later) return (earlier ?? later)!;
  const counts = [earlier.succeeded + earlier.failed, later.succeeded + later.failed] as const;
  return {
    agentId: later.agentId,
    succeeded: earlier.succeeded + later.succeeded,
    failed: earlier.failed + later.failed,
    trailingFailures: later.trailingFailures + (later.succeeded > 0 ? 0 : earlier.trailingFailures),
    meanDurationMs:
      (earlier.meanDurationMs * counts[0] + later.meanDurationMs * counts[1]) / (counts[0] + counts[1]),
  };
}

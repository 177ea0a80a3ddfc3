import { parseQueueKey } from '../../stores/task-enqueue.ts';
import type { AgentCapacity, ReadyQueue, Slot } from '../../stores/task-claim.ts';
import { scoreAgent } from './agent-score.ts';

interface Candidate {
  agent: AgentCapacity;
  /** Running now plus given in this round. */
  load: number;
  limit: number;
}

/** An agent whose breaker is being tried gets one task; its outcome decides. */
function limitOf(agent: AgentCapacity): number {
  return agent.breakerState === 'CLOSED' ? agent.maxConcurrency : 1;
}

function best(candidates: readonly Candidate[], required: readonly string[]): Candidate | undefined {
  let winner: Candidate | undefined;
  let winningScore = -1;
  for (const candidate of candidates) {
    if (candidate.load >= candidate.limit) continue;
    const score = scoreAgent({ ...candidate.agent, runningCount: candidate.load }, required);
    if (score !== undefined && score > winningScore) [winner, winningScore] = [candidate, score];
  }
  return winner;
}

/**
 * Matches ready tasks with free agents. Queues take turns, those with the highest priority first, so that a long queue does
 * not starve a short one; each turn goes to the agent that scores best with the load it has by then.
 */
export function assignSlots(
  queues: readonly ReadyQueue[],
  agents: readonly AgentCapacity[],
  limit: number,
): Slot[] {
  const candidates = agents.map((agent) => ({ agent, load: agent.runningCount, limit: limitOf(agent) }));
  const open = [...queues]
    .sort((left, right) => right.topPriority - left.topPriority)
    .map((queue) => {
      const { crewId, capabilities } = parseQueueKey(queue.queueKey);
      const able = candidates.filter(
        ({ agent }) =>
          agent.workspaceId === queue.workspaceId &&
          (crewId === null || agent.crewId === crewId) &&
          scoreAgent(agent, capabilities) !== undefined,
      );
      return { queue, capabilities, able, left: queue.readyCount };
    });
  const slots: Slot[] = [];
  let progressed = true;
  while (progressed && slots.length < limit) {
    progressed = false;
    for (const entry of open) {
      if (entry.left === 0 || slots.length >= limit) continue;
      const chosen = best(entry.able, entry.capabilities);
      if (!chosen) {
        entry.left = 0;
        continue;
      }
      chosen.load += 1;
      entry.left -= 1;
      progressed = true;
      slots.push({
        workspaceId: entry.queue.workspaceId,
        queueKey: entry.queue.queueKey,
        agentId: chosen.agent.id,
      });
    }
  }
  return slots;
}

import { listAbilities, listQueuedKeys } from '../stores/agent-store.ts';
import type { Sql } from '../stores/sql.ts';
import { parseQueueKey } from '../stores/task-enqueue.ts';
import { noteRouting, type UnroutableQueue } from '../stores/task-lease.ts';

type Ability = Awaited<ReturnType<typeof listAbilities>>[number];

/** Statuses in which an agent takes no task. */
const resting: { readonly [status: string]: string } = {
  OFFLINE: 'offline',
  PAUSED: 'paused',
  ERROR: 'stopped by its circuit breaker',
};

/** Why nobody takes the tasks of a queue, in words for the person who waits; null when somebody can. */
export function routingNote(queueKey: string, abilities: readonly Ability[]): string | null {
  const { crewId, capabilities } = parseQueueKey(queueKey);
  const crew = abilities.filter((agent) => crewId === null || agent.crewId === crewId);
  const where = crewId === null ? '' : ' of the chosen crew';
  const missing = capabilities.filter(
    (capability) => !crew.some((agent) => agent.capabilities.includes(capability)),
  );
  if (missing.length > 0) {
    return `No agent${where} can ${missing.map((name) => `“${name}”`).join(', ')}. Add the capability to an agent, or register one that has it.`;
  }
  const able = crew.filter((agent) =>
    capabilities.every((capability) => agent.capabilities.includes(capability)),
  );
  if (able.length === 0) {
    return `No single agent${where} has all of ${capabilities.map((name) => `“${name}”`).join(', ')}. Add them to one agent.`;
  }
  if (able.some((agent) => !(agent.status in resting))) return null;
  return `Every agent that can do this rests: ${able.map((agent) => `${agent.name} is ${resting[agent.status]}`).join(', ')}.`;
}

/** Tells, on the tasks themselves, why a queue does not move. One instance a process; `turn` is its loop's turn. */
export class RoutingWatch {
  readonly #sql: Sql;
  readonly #onNoted: () => void;
  readonly #batch: number;
  #noted = new Map<string, string>();

  /** @param batch most tasks noted in one statement: a longer one would hold the event horizon back */
  constructor(sql: Sql, onNoted: () => void, batch = 5_000) {
    this.#sql = sql;
    this.#onNoted = onNoted;
    this.#batch = batch;
  }

  /** @returns whether there is more to note at once */
  async turn(): Promise<boolean> {
    const keys = await listQueuedKeys(this.#sql);
    if (keys.length === 0) {
      this.#noted.clear();
      return false;
    }
    const abilities = await listAbilities(this.#sql);
    const next = new Map<string, string>();
    const changes: UnroutableQueue[] = [];
    for (const { workspaceId, queueKey } of keys) {
      const note = routingNote(
        queueKey,
        abilities.filter((agent) => agent.workspaceId === workspaceId),
      );
      const name = `${workspaceId} ${queueKey}`;
      if (note !== null) next.set(name, note);
      // A queue that moves is not looked at again: its tasks lose their note when they are claimed.
      if (note !== null || this.#noted.has(name)) changes.push({ workspaceId, queueKey, note });
    }
    const changed = await noteRouting(this.#sql, changes, this.#batch);
    if (changed > 0) this.#onNoted();
    // Until all of its tasks lost their note, a queue that moves again stays in sight.
    if (changed === this.#batch)
      for (const name of this.#noted.keys()) if (!next.has(name)) next.set(name, '');
    this.#noted = next;
    return changed === this.#batch;
  }
}

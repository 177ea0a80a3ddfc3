import { beforeEach, describe, expect, it } from 'vitest';
import { Outbox, type OutboxDeps, type Settled } from './outbox.ts';
import type { Answer, OutboxEntry } from './outbox-entry.ts';

/** A world the outbox lives in: rows that survive it, a network that is up or down, timers run by hand. */
function createWorld() {
  const rows = new Map<string, OutboxEntry>();
  const locks = new Map<string, Promise<void>>();
  const timers: (() => void)[] = [];
  const sent: OutboxEntry[] = [];
  let nextId = 0;
  const world = {
    rows,
    timers,
    sent,
    online: true,
    answer: async (_entry: OutboxEntry): Promise<Answer> => ({
      kind: 'done',
      typename: 'Goal',
      id: 'goal-1',
    }),
    runTimers: () => {
      for (const timer of timers.splice(0)) timer();
    },
  };
  const deps: OutboxDeps = {
    store: {
      list: async () => [...rows.values()].map((entry) => structuredClone(entry)),
      put: async (entry) => void rows.set(entry.id, structuredClone(entry)),
      delete: async (id) => void rows.delete(id),
    },
    send: async (entry) => {
      expect(rows.has(entry.id), 'stored before it is sent').toBe(true);
      sent.push(entry);
      return world.answer(entry);
    },
    exclusive: (entity, work) => {
      const turn = (locks.get(entity) ?? Promise.resolve()).then(work);
      locks.set(entity, turn);
      return turn;
    },
    isOnline: () => world.online,
    now: () => 1_000,
    random: () => 0.5,
    newId: () => `id-${nextId++}`,
    schedule: (work) => void timers.push(work),
    announce: () => undefined,
  };
  return { world, createOutbox: () => new Outbox(deps) };
}

/** Resolves when the outbox has settled this many answers. */
function settled(outbox: Outbox, count = 1): Promise<Settled[]> {
  const seen: Settled[] = [];
  return new Promise((resolve) => {
    outbox.addEventListener('settled', (event) => {
      seen.push((event as CustomEvent<Settled>).detail);
      if (seen.length === count) resolve(seen);
    });
  });
}

describe('outbox', () => {
  let world: ReturnType<typeof createWorld>['world'];
  let createOutbox: () => Outbox;
  let outbox: Outbox;

  beforeEach(() => {
    ({ world, createOutbox } = createWorld());
    outbox = createOutbox();
  });

  it('sends an action and deletes its row once the answer is definite', async () => {
    const done = settled(outbox);
    const entry = await outbox.add('dispatchGoal', { text: 'Explain' }, 'Explain');
    await done;
    expect(world.sent.map(({ id }) => id)).toEqual([entry.id]);
    expect(world.rows.size).toBe(0);
    expect(outbox.entries.map(({ state }) => state)).toEqual(['sent']);
  });

  it('keeps an action that was made offline and sends it when kicked', async () => {
    world.online = false;
    await outbox.add('dispatchGoal', { text: 'Explain' }, 'Explain');
    expect(world.sent).toEqual([]);
    expect(outbox.waitingCount).toBe(1);
    world.online = true;
    const done = settled(outbox);
    outbox.kick();
    await done;
    expect(world.rows.size).toBe(0);
  });

  it('sends what an earlier page left behind, with the same key', async () => {
    world.online = false;
    const entry = await outbox.add('cancelTask', { taskId: 't' }, 'Cancel');
    world.online = true;
    const reloaded = createOutbox();
    const done = settled(reloaded);
    await reloaded.start();
    await done;
    expect(world.sent.map(({ id }) => id)).toEqual([entry.id]);
  });

  it('sends the actions on one thing in the order they were made, and waits for each answer', async () => {
    world.online = false;
    for (const kind of ['pauseAgent', 'resumeAgent', 'retireAgent'] as const) {
      await outbox.add(kind, { agentId: 'a' }, kind);
    }
    let underWay = 0;
    world.answer = async () => {
      expect(++underWay).toBe(1);
      await Promise.resolve();
      underWay--;
      return { kind: 'done', typename: 'Agent', id: 'a' };
    };
    world.online = true;
    const done = settled(outbox, 3);
    outbox.kick();
    await done;
    expect(world.sent.map(({ kind }) => kind)).toEqual(['pauseAgent', 'resumeAgent', 'retireAgent']);
  });

  it('tries again later when the network gives no answer, without losing its place', async () => {
    let up = false;
    world.answer = async () =>
      up ? { kind: 'done', typename: 'Task', id: 't' } : { kind: 'again', code: 'NETWORK', message: 'down' };
    const first = settled(outbox);
    await outbox.add('cancelTask', { taskId: 't' }, 'Cancel');
    await first;
    await outbox.add('retryTask', { taskId: 't' }, 'Retry');
    expect(world.rows.size).toBe(2);
    up = true;
    const rest = settled(outbox, 2);
    world.runTimers();
    await rest;
    expect(world.sent.at(-2)?.kind).toBe('cancelTask');
    expect(world.sent.at(-1)?.kind).toBe('retryTask');
    expect(world.rows.size).toBe(0);
  });

  it('keeps a refused action visible until the person decides, and goes on with the next', async () => {
    world.answer = async ({ kind }) =>
      kind === 'cancelTask'
        ? { kind: 'refused', code: 'INVALID_STATE', message: 'already done' }
        : { kind: 'done', typename: 'Task', id: 't' };
    const done = settled(outbox, 2);
    const refused = await outbox.add('cancelTask', { taskId: 't' }, 'Cancel');
    await outbox.add('retryTask', { taskId: 't' }, 'Retry');
    await done;
    expect([...world.rows.keys()]).toEqual([refused.id]);
    expect(outbox.refusedCount).toBe(1);
    await outbox.discard(refused.id);
    expect(world.rows.size).toBe(0);
  });

  it('sends a refused action again under a new key after a conflict', async () => {
    let conflicts = true;
    world.answer = async () =>
      conflicts
        ? { kind: 'refused', code: 'IDEMPOTENCY_CONFLICT', message: 'other body' }
        : { kind: 'done', typename: 'Goal', id: 'g' };
    const refused = settled(outbox);
    const entry = await outbox.add('dispatchGoal', { text: 'Explain' }, 'Explain');
    await refused;
    conflicts = false;
    const done = settled(outbox);
    await outbox.retry(entry.id);
    await done;
    expect(world.sent[1]?.id).not.toBe(entry.id);
    expect(world.rows.size).toBe(0);
  });

  it('does not send a row twice when another tab sent it while the lock was awaited', async () => {
    const other = createOutbox();
    world.online = false;
    await outbox.add('acceptPlan', { goalId: 'g' }, 'Accept');
    await other.reload();
    world.online = true;
    const done = settled(outbox);
    outbox.kick();
    other.kick();
    await done;
    expect(world.sent).toHaveLength(1);
  });
});

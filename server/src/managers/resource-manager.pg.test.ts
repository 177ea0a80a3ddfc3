import { scopeOf } from '../../../tests/support/scopes.ts';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { enqueueTestTasks } from '../../../tests/support/engine.ts';
import { InvalidStateError, NotFoundError, ValidationError } from '../lib/errors.ts';
import { RoutingWatch } from '../orchestrator/routing-watch.ts';
import { sqlOfPool } from '../stores/sql.ts';
import { createResourceManager, type ResourceManager } from './resource-manager.ts';

let database: TestDatabase;
let manager: ResourceManager;
const scope = () => scopeOf(database.workspaceId);

beforeAll(async () => {
  database = await createTestDatabase();
  const breaker = { failures: 3, cooldownMs: 60_000 };
  manager = createResourceManager({
    orm: database.orm,
    offlineAfterMs: () => 60_000,
    breaker,
    onChanged: () => {},
    onDenied: () => {},
    systemPool: database.systemPool,
  });
});
afterAll(() => database.drop());
beforeEach(() => database.pool.query('truncate task, agent, crew, event, idempotency_key cascade'));

const register = (name = 'Ann', capabilities = ['work']) =>
  manager.registerAgent(scope(), { name, role: 'worker', kind: 'LLM', capabilities });
const agentRow = async (id: string) =>
  (await database.pool.query('select * from agent where id = $1', [id])).rows[0] as Record<string, unknown>;
const eventTypes = async () =>
  (await database.pool.query<{ type: string }>('select type from event order by seq')).rows.map(
    (row) => row.type,
  );

it('leaves what somebody typed out of the audit trail, which nobody can change', async () => {
  const [name, instructions] = ['Zebulon’s', 'Ask Zebulon first.'];
  const asked = { name, instructions, role: 'worker', kind: 'LLM' as const, capabilities: ['work'] };
  const { id: agentId } = await manager.registerAgent(scope(), asked);
  await manager.updateAgent(scope(), { agentId, name: 'Zebulon', crewId: null });
  const { rows } = await database.pool.query<{ detail: { detail: object } }>(
    'select detail from audit_entry where subject_id = $1 order by seq',
    [agentId],
  );
  expect(rows.map(({ detail }) => detail.detail)).toEqual([
    { fields: Object.keys(asked).toSorted(), kind: 'LLM', capabilities: ['work'] },
    { fields: ['crewId', 'name'], crewId: null },
  ]);
});

describe('registration', () => {
  it('creates the starter crew once', async () => {
    await manager.ensureStarterCrew(database);
    await manager.ensureStarterCrew(database);
    const { rows } = await database.pool.query('select role, status from agent order by id');
    expect(rows).toEqual(
      ['planner', 'researcher', 'writer', 'reviewer'].map((role) => ({ role, status: 'IDLE' })),
    );
  });

  it.each([
    [{ name: '' }, 'name'],
    [{ name: 'x'.repeat(101) }, 'name'],
    [{ kind: 'ACP' }, 'kind'],
    [{ kind: 'ROBOT' }, 'kind'],
    [{ capabilities: [] }, 'capabilities'],
    [{ capabilities: ['Has Space'] }, 'capabilities'],
    [{ maxConcurrency: 0 }, 'maxConcurrency'],
    [{ instructions: 'a\0' }, 'instructions'],
  ])('refuses %j', async (change, field) => {
    const input = {
      name: 'Ann',
      role: 'worker',
      kind: 'LLM',
      capabilities: ['work'],
      ...change,
    } as Parameters<ResourceManager['registerAgent']>[1];
    await expect(manager.registerAgent(scope(), input)).rejects.toSatisfy(
      (error) =>
        error instanceof ValidationError && error.fields.some((problem) => problem.path.startsWith(field)),
    );
    expect(await eventTypes()).toEqual([]);
  });

  it('keeps names apart, but lets a successor have the name of a retired agent', async () => {
    const first = await register();
    await expect(register()).rejects.toThrow(/name of another agent/);
    const other = await register('Bob');
    await expect(manager.updateAgent(scope(), { agentId: other.id, name: 'Ann' })).rejects.toThrow(
      ValidationError,
    );
    await manager.retireAgent(scope(), { agentId: first.id });
    await expect(register()).resolves.toMatchObject({ name: 'Ann' });
    await expect(manager.updateAgent(scope(), { agentId: first.id, maxConcurrency: 3 })).rejects.toThrow(
      InvalidStateError,
    );
  });
});

describe('changes of an agent', () => {
  it('touch what is given and nothing else; null takes it out of its crew', async () => {
    await manager.ensureStarterCrew(database);
    const { rows } = await database.pool.query<{ id: string; crew_id: string }>(
      `select id, crew_id from agent limit 1`,
    );
    const { id: agentId, crew_id: crewId } = rows[0]!;
    expect(await manager.updateAgent(scope(), { agentId, maxConcurrency: 7 })).toMatchObject({
      maxConcurrency: 7,
      crewId,
    });
    expect(await manager.updateAgent(scope(), { agentId, crewId: null })).toMatchObject({
      maxConcurrency: 7,
      crewId: null,
    });
    expect(await manager.updateAgent(scope(), { agentId, crewId })).toMatchObject({ crewId });
  });
});

describe('decisions about an agent', () => {
  it('move it, and repeating one is a success', async () => {
    const { id: agentId } = await register();
    expect((await manager.pauseAgent(scope(), { agentId })).status).toBe('PAUSED');
    expect((await manager.pauseAgent(scope(), { agentId })).status).toBe('PAUSED');
    expect((await manager.resumeAgent(scope(), { agentId })).status).toBe('IDLE');
    expect((await manager.retireAgent(scope(), { agentId })).status).toBe('RETIRED');
    await expect(manager.pauseAgent(scope(), { agentId })).rejects.toThrow(InvalidStateError);
    await expect(manager.pauseAgent(scope(), { agentId: database.workspaceId })).rejects.toThrow(
      NotFoundError,
    );
    expect(await eventTypes()).toEqual(['agent.registered', 'agent.status', 'agent.status', 'agent.status']);
  });
});

describe('the shown status', () => {
  it('follows work, heartbeat and a person', async () => {
    const [ann, bob, eve] = [await register('Ann'), await register('Bob'), await register('Eve')];
    await enqueueTestTasks(database, [{}]);
    await database.pool.query(
      `update task set status = 'RUNNING', attempt = 1, agent_id = $1, lease_owner = 'x'`,
      [ann.id],
    );
    await database.pool.query(`update agent set last_heartbeat_at = now() - interval '1 h' where id = $1`, [
      bob.id,
    ]);
    await manager.pauseAgent(scope(), { agentId: eve.id });
    await manager.refresh();
    expect([
      (await agentRow(ann.id))['status'],
      (await agentRow(bob.id))['status'],
      (await agentRow(eve.id))['status'],
    ]).toEqual(['BUSY', 'OFFLINE', 'PAUSED']);
    await manager.beat();
    expect((await agentRow(bob.id))['status']).toBe('IDLE');
  });

  it('shows a breaker that opens after failures in a row, is tried after its cooldown, and closes on success', async () => {
    const { id } = await register();
    const tally = (succeeded: number, failed: number, trailingFailures: number) =>
      manager.recordAttempts([{ agentId: id, succeeded, failed, trailingFailures, meanDurationMs: 100 }]);
    await tally(0, 2, 2);
    await tally(1, 1, 0);
    await tally(0, 2, 2);
    expect(await agentRow(id)).toMatchObject({
      breaker_state: 'CLOSED',
      breaker_failures: 2,
      succeeded_count: 1,
      failed_count: 5,
    });
    await tally(0, 1, 1);
    await manager.refresh();
    expect(await agentRow(id)).toMatchObject({ breaker_state: 'OPEN', status: 'ERROR' });
    await database.pool.query(`update agent set breaker_retry_at = now() - interval '1 s'`);
    await manager.refresh();
    expect(await agentRow(id)).toMatchObject({ breaker_state: 'HALF_OPEN', status: 'IDLE' });
    await tally(0, 1, 1);
    expect(await agentRow(id)).toMatchObject({ breaker_state: 'OPEN' });
    await database.pool.query(`update agent set breaker_retry_at = now() - interval '1 s'`);
    await manager.refresh();
    await tally(1, 0, 0);
    expect(await agentRow(id)).toMatchObject({
      breaker_state: 'CLOSED',
      breaker_failures: 0,
      breaker_retry_at: null,
    });
  });
});

describe('two servers', () => {
  it('count failures in a row together', async () => {
    const { id } = await register();
    const failure = { agentId: id, succeeded: 0, failed: 1, trailingFailures: 1, meanDurationMs: 1 };
    await Promise.all(Array.from({ length: 6 }, () => manager.recordAttempts([failure])));
    expect(await agentRow(id)).toMatchObject({
      failed_count: 6,
      breaker_failures: 6,
      breaker_state: 'OPEN',
    });
  });
});

describe('a task that no agent can do', () => {
  it('says so also when there are more than fit one statement, and stops saying so', async () => {
    const watch = new RoutingWatch(sqlOfPool(database.systemPool), () => {}, 4);
    await enqueueTestTasks(
      database,
      Array.from({ length: 10 }, () => ({ requiredCapabilities: ['fly'] })),
    );
    const notes = async () =>
      (
        await database.pool.query<{ count: number }>(
          'select count(*)::int as count from task where routing_note is not null',
        )
      ).rows[0]!.count;
    for (const noted of [4, 8, 10]) {
      expect(await watch.turn()).toBe(noted < 10);
      expect(await notes()).toBe(noted);
    }
    await register('Pilot', ['fly']);
    for (const left of [6, 2, 0]) {
      expect(await watch.turn()).toBe(left > 0);
      expect(await notes()).toBe(left);
    }
  });

  it('says so until one can', async () => {
    const watch = new RoutingWatch(sqlOfPool(database.systemPool), () => {});
    const [id] = await enqueueTestTasks(database, [{ requiredCapabilities: ['fly'] }]);
    const note = async () =>
      (
        await database.pool.query<{ routing_note: string | null }>(
          'select routing_note from task where id = $1',
          [id],
        )
      ).rows[0]!.routing_note;
    await watch.turn();
    expect(await note()).toMatch(/No agent can “fly”/);
    await watch.turn();
    expect((await eventTypes()).filter((type) => type === 'task.routing')).toHaveLength(1);
    await register('Pilot', ['fly']);
    await watch.turn();
    expect(await note()).toBeNull();
  });
});

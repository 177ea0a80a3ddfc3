import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabaseUrl, dropTestDatabase } from '../support/database.ts';
import { next, requestData, socketClient, subscribe } from '../support/graphql-client.ts';
import { replayEventLog } from '../support/replay-log.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';

// Two servers of different installations on one database: the same code as one, with a lease between them.

let folder: string;
let databaseUrl: string;
let pool: pg.Pool;
const servers: ServerProcess[] = [];
const leaseMs = 2_000;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hive-replicas-'));
  mkdirSync(join(folder, 'docs'));
  for (let index = 0; index < 5; index += 1) {
    writeFileSync(
      join(folder, 'docs', `part-${index}.md`),
      `# Part ${index}\n\nPart ${index} explains honey and wax.\n`,
    );
  }
  databaseUrl = await createTestDatabaseUrl();
  pool = new pg.Pool({ connectionString: databaseUrl, max: 2 });
  const env = { HIVE_LEASE_MS: String(leaseMs), HIVE_LLM_PROVIDERS: 'extractive' };
  // together, on a database without its partitions and crew: both want to make them
  const start = (name: string) => startServer({ cwd: folder, dataDir: join(folder, name), databaseUrl, env });
  servers.push(...(await Promise.all([start('.hive-a'), start('.hive-b')])));
});
afterAll(async () => {
  for (const server of servers) await server.stop();
  await pool.end();
  await dropTestDatabase(databaseUrl);
  rmSync(folder, { recursive: true, force: true });
});

const createTask = `mutation ($input: CreateTaskInput!) { made: createTask(input: $input) { __typename ... on Task { id } ... on Error { message } } }`;
async function create(server: ServerProcess, title: string): Promise<string> {
  const input = {
    title,
    instruction: 'Explain honey and wax',
    capabilities: ['research'],
    idempotencyKey: title,
  };
  const { made } = await requestData<{ made: { id: string } }>(server.url, createTask, { input });
  return made.id;
}

async function untilNothingIsOpen(): Promise<void> {
  for (const deadline = Date.now() + 45_000; ; await new Promise((resolve) => setTimeout(resolve, 50))) {
    const { rows } = await pool.query<{ open: number }>(
      `select count(*)::int as open from task where status in ('BLOCKED', 'QUEUED', 'RUNNING', 'WAITING')`,
    );
    if (rows[0]!.open === 0) return;
    if (Date.now() > deadline) throw new Error(`${rows[0]!.open} tasks are still open`);
  }
}

it('share the work, see each other live, and one takes over what the other leaves when it is killed', async () => {
  const [one, other] = [servers[0]!, servers[1]!];
  const client = socketClient(other.url);
  const events = subscribe<{ events: { subjectId: string; type: string } }>(
    client,
    'subscription { events(where: { types: ["task.created"] }) { subjectId type } }',
  );
  const live = next(events);
  await new Promise((resolve) => setTimeout(resolve, 200));
  const first = await create(one, 'seen from the other');
  expect((await live).data!.events.subjectId).toBe(first);
  await events.return?.();
  await client.dispose();

  await Promise.all(
    Array.from({ length: 120 }, (_, index) => create(index % 2 === 0 ? one : other, `task ${index}`)),
  );
  // the same key on both at the same moment is still one task
  const twice = await Promise.all([create(one, 'twice'), create(other, 'twice')]);
  expect(twice[0]).toBe(twice[1]);
  await one.kill();
  await untilNothingIsOpen();

  const { rows } = await pool.query<{ status: string; count: number }>(
    'select status, count(*)::int as count from task group by 1',
  );
  expect(rows).toEqual([{ status: 'SUCCEEDED', count: 122 }]);
  expect((await replayEventLog(pool)).differences).toEqual([]);
});

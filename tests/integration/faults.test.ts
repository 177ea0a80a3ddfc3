import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabaseUrl, dropTestDatabase } from '../support/database.ts';
import { request, socketClient, subscribe, next } from '../support/graphql-client.ts';
import { replayEventLog } from '../support/replay-log.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';

let folder: string;
const dataDir = () => join(folder, '.hive');

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hive-faults-'));
  mkdirSync(join(folder, 'docs'));
  for (let index = 0; index < 5; index += 1) {
    writeFileSync(
      join(folder, 'docs', `part-${index}.md`),
      `# Part ${index}\n\nPart ${index} explains honey and wax. A queen leads hive ${index}.\n`,
    );
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Made {
  made: { __typename: string; id?: string; message?: string };
}
const createTask = `mutation ($input: CreateTaskInput!) { made: createTask(input: $input) { __typename ... on Task { id } ... on Error { message } } }`;

/** Insists, with the same key, until the server acknowledges. Everything but a definite answer is tried again. */
async function insist(
  server: ServerProcess,
  projectId: string,
  key: string,
  answers: Set<string>,
): Promise<string> {
  const input = {
    title: key,
    instruction: 'Explain honey and wax',
    capabilities: ['research'],
    projectId,
    idempotencyKey: key,
  };
  for (const deadline = Date.now() + 50_000; Date.now() < deadline; await sleep(100)) {
    const answer = await request<Made>(server.url, createTask, { input }).catch(() => undefined);
    const made = answer?.data?.made;
    if (made?.id) return made.id;
    answers.add(made?.__typename ?? answer?.errors?.[0]?.extensions?.code ?? 'no answer');
  }
  throw new Error(`${key} was never acknowledged: ${[...answers].join(', ')}`);
}

async function readyProject(server: ServerProcess): Promise<string> {
  for (;;) {
    const answer = await request<{ projects: { edges: { node: { id: string; status: string } }[] } }>(
      server.url,
      '{ projects { edges { node { id status } } } }',
    );
    const project = answer.data?.projects.edges[0]?.node;
    if (project?.status === 'READY') return project.id;
    await sleep(50);
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

describe('when PostgreSQL is killed under load', () => {
  let server: ServerProcess;
  beforeEach(async () => {
    server = await startServer({
      cwd: folder,
      dataDir: dataDir(),
      env: { HIVE_LLM_PROVIDERS: 'extractive' },
    });
    return async () => {
      await server.stop();
      rmSync(dataDir(), { recursive: true, force: true });
    };
  });

  it('the server waits, recovers by itself and loses no acknowledged task', async () => {
    const projectId = await readyProject(server);
    const answers = new Set<string>();
    const acknowledged: string[] = [];
    let next = 0;
    const worker = async () => {
      for (let index = next++; index < 300; index = next++) {
        acknowledged.push(await insist(server, projectId, `task ${index}`, answers));
        if (index === 60 || index === 160) {
          const pid = Number(
            readFileSync(join(dataDir(), 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0],
          );
          process.kill(pid, 'SIGKILL');
        }
      }
    };
    await Promise.all(Array.from({ length: 8 }, worker));
    expect(new Set(acknowledged).size).toBe(300);
    // what clients were told meanwhile was a typed "not now", never an internal error
    expect(
      [...answers].filter(
        (answer) => !['UnavailableError', 'UNAVAILABLE', 'TIMEOUT', 'no answer'].includes(answer),
      ),
    ).toEqual([]);

    const open =
      'query { tasks(first: 1, where: { status: [BLOCKED, QUEUED, RUNNING, WAITING] }) { totalCount } succeeded: tasks(first: 1, where: { status: [SUCCEEDED] }) { totalCount } }';
    for (const deadline = Date.now() + 50_000; ; await sleep(100)) {
      const answer = await request<{ tasks: { totalCount: number }; succeeded: { totalCount: number } }>(
        server.url,
        open,
      );
      if (answer.data?.tasks.totalCount === 0) {
        expect(answer.data.succeeded.totalCount).toBe(300);
        break;
      }
      if (Date.now() > deadline) throw new Error(`still open: ${JSON.stringify(answer)}`);
    }
    expect((await fetch(`${server.url}/health`)).status).toBe(200);
  });
});

describe('when the server is told to stop with work in flight', () => {
  it('tells sockets to come back, releases its leases, and the next process goes on at once', async () => {
    const databaseUrl = await createTestDatabaseUrl();
    const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 });
    // A lease far longer than the test: only a released one can be taken up in time.
    const env = {
      HIVE_LEASE_MS: '600000',
      HIVE_LLM_PROVIDERS: 'extractive',
      HIVE_SHUTDOWN_DEADLINE_MS: '2000',
    };
    let server = await startServer({ cwd: folder, dataDir: dataDir(), databaseUrl, env });
    try {
      const projectId = await readyProject(server);
      const client = socketClient(server.url);
      const events = subscribe<{ events: { type: string } }>(
        client,
        'subscription { events(where: { types: ["task.started"] }) { type } }',
      );
      const first = next(events);
      await sleep(200);
      await Promise.all(
        Array.from({ length: 60 }, (_, index) => insist(server, projectId, `stopped ${index}`, new Set())),
      );
      await first;
      const closed = (async () => {
        try {
          for await (const _ of events);
        } catch {
          // the close is what is awaited
        }
      })();
      expect(await server.stop()).toBe(0);
      await closed;
      expect(client.closeCodes).toEqual([1012]);
      const held = await pool.query(`select 1 from task where lease_owner is not null`);
      expect(held.rows).toEqual([]);
      server = await startServer({ cwd: folder, dataDir: dataDir(), databaseUrl, env });
      for (const deadline = Date.now() + 30_000; ; await sleep(50)) {
        const { rows } = await pool.query<{ open: number }>(
          `select count(*)::int as open from task where status <> 'SUCCEEDED'`,
        );
        if (rows[0]!.open === 0) break;
        if (Date.now() > deadline) throw new Error(`${rows[0]!.open} tasks are still open`);
      }
      expect((await replayEventLog(pool)).differences).toEqual([]);
    } finally {
      await server.stop();
      await pool.end();
      await dropTestDatabase(databaseUrl);
      rmSync(dataDir(), { recursive: true, force: true });
    }
  });
});

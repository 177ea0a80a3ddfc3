import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { migrate } from '../../server/src/database/migrate.ts';
import { startEmbeddedPostgres } from '../../server/src/database/embedded-postgres.ts';
import { isAlive } from '../../server/src/database/process-identity.ts';
import { silentLog } from './log.ts';

export const templateDatabase = 'hive_template';
const folderPrefix = 'hive-test-';

interface Shared {
  users: number;
  server: Promise<{ url: string; stop(): Promise<void> }> | undefined;
}

// Each vitest project runs this file in a module graph of its own; the server they share lives on the process.
const shared = ((globalThis as { hiveTestPostgres?: Shared }).hiveTestPostgres ??= {
  users: 0,
  server: undefined,
});

/** One PostgreSQL for the run, with a migrated template database that test files clone. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  shared.users += 1;
  shared.server ??= start();
  const server = await shared.server;
  project.provide('postgresUrl', server.url);
  return async () => {
    shared.users -= 1;
    if (shared.users > 0) return;
    shared.server = undefined;
    await reportLeaks(server.url);
    await server.stop();
  };
}

async function start(): Promise<{ url: string; stop(): Promise<void> }> {
  removeAbandonedFolders();
  const folder = mkdtempSync(join(tmpdir(), folderPrefix));
  writeFileSync(join(folder, 'owner'), String(process.pid));
  // Tests kill processes, never the machine: the operating system keeps what was written.
  const settings = { fsync: 'off', full_page_writes: 'off', max_connections: '300', shared_buffers: '256MB' };
  const server = await startEmbeddedPostgres({ dataDir: folder, log: silentLog, settings });
  try {
    await withClient(server.url, (client) => client.query(`create database ${templateDatabase}`));
    const url = new URL(server.url);
    url.pathname = `/${templateDatabase}`;
    await migrate({ url: url.href, log: silentLog });
  } catch (error) {
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return {
    url: server.url,
    async stop() {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A database or a session that a test file left behind means it did not close what it opened. */
async function reportLeaks(url: string): Promise<void> {
  const leaks = await withClient(url, async (client) => {
    const databases = await client.query<{ name: string }>(
      `select datname as name from pg_database where datname like 'test\\_%'`,
    );
    return databases.rows.map((row) => row.name);
  });
  if (leaks.length === 0) return;
  console.error(`Leak check: test databases that were not dropped: ${leaks.join(', ')}`);
  process.exitCode = 1;
}

/** A run that was killed leaves its server and folder; the next run ends both. */
function removeAbandonedFolders(): void {
  for (const name of readdirSync(tmpdir())) {
    if (!name.startsWith(folderPrefix)) continue;
    const folder = join(tmpdir(), name);
    try {
      if (isAlive(Number(readFileSync(join(folder, 'owner'), 'utf8')))) continue;
      const pid = Number(readFileSync(join(folder, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0]);
      if (pid > 0 && isAlive(pid)) process.kill(pid, 'SIGQUIT');
    } catch {
      // no server was left, or the folder is not ours to look into
    }
    try {
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // somebody else's
    }
  }
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

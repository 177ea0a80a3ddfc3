import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recordingLog, silentLog } from '../../../tests/support/log.ts';
import { startEmbeddedPostgres, type EmbeddedPostgres } from './embedded-postgres.ts';
import { isAlive } from './process-identity.ts';

// mkdtemp makes a folder closed to others: as root this is also the test of a server that runs as somebody else.
let dataDir: string;
const running: EmbeddedPostgres[] = [];

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'hive-embedded-'));
});
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop();
  rmSync(dataDir, { recursive: true, force: true });
});

async function start(log = silentLog): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ dataDir, log });
  running.push(server);
  return server;
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test('the first start makes a durable UTF-8 cluster with checksums, on loopback, and the next one finds its data', async () => {
  const first = await start();
  await query(first.url, 'create table kept (n int); insert into kept values (7)');
  const [settings] = await query(
    first.url,
    `select current_setting('listen_addresses') as listen, current_setting('data_checksums') as checksums,
      current_setting('synchronous_commit') as durable, current_setting('server_encoding') as encoding, current_setting('jit') as jit`,
  );
  expect(settings).toEqual({
    listen: '127.0.0.1',
    checksums: 'on',
    durable: 'on',
    encoding: 'UTF8',
    jit: 'off',
  });
  expect(statSync(join(dataDir, 'postgres/password')).mode & 0o777).toBe(0o600);
  await first.stop();
  expect(isAlive(first.pid)).toBe(false);
  const second = await start();
  expect(second.adopted).toBe(false);
  expect(await query(second.url, 'select n from kept')).toEqual([{ n: 7 }]);
});

test('a wrong password is refused', async () => {
  const server = await start();
  const url = new URL(server.url);
  url.password = 'wrong';
  await expect(query(url.href, 'select 1')).rejects.toThrow('password');
});

test('a server left behind is adopted', async () => {
  const first = await start();
  const second = await start();
  expect(second).toMatchObject({ adopted: true, pid: first.pid, url: first.url });
});

test('a stale postmaster.pid whose id now belongs to another process does not matter', async () => {
  await (await start()).stop();
  writeFileSync(
    join(dataDir, 'postgres/data/postmaster.pid'),
    `${process.pid}\n${dataDir}/postgres/data\n1\n5432\n\n127.0.0.1\n  1 1\nready   \n`,
  );
  const second = await start();
  expect(second.adopted).toBe(false);
  expect(second.pid).not.toBe(process.pid);
});

test('an interrupted initdb is redone', async () => {
  mkdirSync(join(dataDir, 'postgres/data.init-1/base'), { recursive: true });
  await start();
  expect(existsSync(join(dataDir, 'postgres/data.init-1'))).toBe(false);
});

test('a folder that holds something else is not touched', async () => {
  mkdirSync(join(dataDir, 'postgres/data'), { recursive: true });
  writeFileSync(join(dataDir, 'postgres/data/thesis.txt'), 'mine');
  await expect(startEmbeddedPostgres({ dataDir, log: silentLog })).rejects.toThrow(
    'holds no PostgreSQL data',
  );
  expect(readFileSync(join(dataDir, 'postgres/data/thesis.txt'), 'utf8')).toBe('mine');
});

test('a server that dies is started again on the same address, with all that was committed', async () => {
  const log = recordingLog();
  const server = await start(log);
  await query(server.url, 'create table kept (n int); insert into kept values (7)');
  const before = server.pid;
  process.kill(before, 'SIGKILL');
  for (const deadline = Date.now() + 15_000; server.pid === before && Date.now() < deadline;)
    await new Promise((done) => setTimeout(done, 20));
  expect(await query(server.url, 'select n from kept')).toEqual([{ n: 7 }]);
  expect(log.lines.some((line) => line.message.includes('running again'))).toBe(true);
});

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { startEmbeddedPostgres } from '../../server/src/database/embedded-postgres.ts';
import { silentLog } from '../support/log.ts';
import type { PeerEnvironment } from './peers/queue-peer.ts';

export interface BenchEnvironment {
  /** Cores, versions and durability settings, as printed. */
  machine: { [fact: string]: string };
  redisUrl: string | undefined;
  /** Creates a database on the shared server. @returns its url */
  createDatabase(name: string): Promise<string>;
  /** A new database and the Redis there is. */
  peerEnvironment(name: string): Promise<PeerEnvironment>;
  /** Writes everything dirty now, so that no measured round pays for the one before. */
  checkpoint(): Promise<void>;
  /** How many SQL statements PostgreSQL gets for one run of `work`, over all databases, as the mean of `times` runs. */
  statementsPer(times: number, work: () => Promise<unknown>): Promise<number>;
  stop(): Promise<void>;
}

/** PostgreSQL and Redis of this run alone, on free ports of the loopback, with durable settings. */
export async function startEnvironment(options: { redis: boolean }): Promise<BenchEnvironment> {
  const folder = mkdtempSync(join(tmpdir(), 'hive-bench-'));
  const server = await startEmbeddedPostgres({ dataDir: folder, log: silentLog });
  const logFile = join(folder, 'postgres/server.log');
  const admin = new pg.Client({ connectionString: server.url });
  let redis: RunningRedis | undefined;
  const stop = async () => {
    await admin.end().catch(() => undefined);
    await redis?.stop();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await admin.connect();
    if (options.redis) redis = await startRedis();
    const facts = await postgresFacts(admin);
    const createDatabase = async (name: string) => {
      await admin.query(`create database ${name}`);
      const url = new URL(server.url);
      url.pathname = `/${name}`;
      return url.href;
    };
    return {
      machine: {
        cores: `${availableParallelism()} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB`,
        node: process.version,
        ...facts,
        redis: redis ? `${redis.version}, appendonly yes, appendfsync everysec` : 'none',
      },
      redisUrl: redis?.url,
      createDatabase,
      peerEnvironment: async (name) => ({ databaseUrl: await createDatabase(name), redisUrl: redis?.url }),
      statementsPer: async (times, work) => {
        await setStatementLog(admin, 'all');
        const before = statSync(logFile).size;
        for (let run = 0; run < times; run += 1) await work();
        await setStatementLog(admin, 'none');
        const text = readFileSync(logFile, 'utf8').slice(before);
        return (text.match(/ LOG: {2}(statement:|execute) /g) ?? []).length / times;
      },
      checkpoint: async () => void (await admin.query('checkpoint')),
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function setStatementLog(client: pg.Client, value: 'all' | 'none'): Promise<void> {
  await client.query(`alter system set log_statement = '${value}'`);
  await client.query('select pg_reload_conf()');
  // Each session takes the setting over before its next statement, once the postmaster has passed the signal on.
  await new Promise((resolve) => setTimeout(resolve, 300));
}

async function postgresFacts(client: pg.Client): Promise<{ [fact: string]: string }> {
  const names = ['server_version', 'fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers'];
  const values = new Map<string, string>();
  for (const name of names) {
    const { rows } = await client.query<{ value: string }>('select current_setting($1) as value', [name]);
    values.set(name, rows[0]!.value);
  }
  // A measurement without durability would flatter everyone, and us most.
  for (const name of ['fsync', 'synchronous_commit']) {
    if (values.get(name) !== 'on')
      throw new Error(`The bench needs ${name} = on; it is ${values.get(name)}.`);
  }
  const [version, ...rest] = names.map((name) => `${name} ${values.get(name)}`);
  return { postgresql: [version!.replace('server_version ', ''), ...rest].join(', ') };
}

interface RunningRedis {
  url: string;
  version: string;
  stop(): Promise<void>;
}

/** @returns undefined when there is no redis-server and none can be installed */
async function startRedis(): Promise<RunningRedis | undefined> {
  const version = redisVersion() ?? (installRedis() ? redisVersion() : undefined);
  if (version === undefined) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'hive-bench-redis-'));
  const port = await freePort();
  const args = [
    '--port',
    String(port),
    '--bind',
    '127.0.0.1',
    '--dir',
    folder,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    'everysec',
  ];
  const child = spawn('redis-server', args, { stdio: 'ignore' });
  await untilListening(port, child);
  return {
    url: `redis://127.0.0.1:${port}`,
    version,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function redisVersion(): string | undefined {
  try {
    return /v=(\S+)/.exec(execFileSync('redis-server', ['--version'], { encoding: 'utf8' }))?.[1];
  } catch {
    return undefined;
  }
}

function installRedis(): boolean {
  if (process.getuid?.() !== 0) return false;
  try {
    execFileSync('apt-get', ['install', '-y', 'redis-server'], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        address && typeof address === 'object' ? resolve(address.port) : reject(new Error('no free port')),
      );
    });
  });
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let tries = 0; tries < 200; tries += 1) {
    if (child.exitCode !== null) break;
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`redis-server does not listen on port ${port}.`);
}

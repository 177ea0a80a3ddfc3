import { closeSync, existsSync, mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { backoffMs } from '../lib/backoff.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import {
  clusterFiles,
  clusterUser,
  ensureCluster,
  isServerOf,
  readPostmasterFile,
  removeStalePostmasterFile,
  type ClusterFiles,
} from './embedded-cluster.ts';
import {
  chooseLauncher,
  giveTo,
  resolveBinaries,
  type Launcher,
  type PostgresBinaries,
} from './embedded-launcher.ts';
import { isAlive } from './process-identity.ts';

export interface EmbeddedPostgresOptions {
  /** `HIVE_DATA_DIR`; everything of PostgreSQL is in its folder `postgres`. */
  dataDir: string;
  log: Logger;
  /** Settings on top of ours, for example `{ fsync: 'off' }` in tests. */
  settings?: Readonly<Record<string, string>>;
}

export interface EmbeddedPostgres {
  /** Of the database `hive`; the same over a restart of the server. */
  url: string;
  /** Of the server process as it is now. */
  readonly pid: number;
  /** True when a server left behind by a killed process was taken over. */
  adopted: boolean;
  /** Ends sessions and stops the server within about 10 s. Safe to call twice. */
  stop(): Promise<void>;
}

const databaseName = 'hive';
const startDeadlineMs = 60_000;
const stopDeadlineMs = 8_000;
const restartBackoff = { initialMs: 200, factor: 2, maxMs: 10_000 };
const logFileMaxBytes = 10_000_000;

const serverSettings: Readonly<Record<string, string>> = {
  shared_buffers: '128MB',
  max_connections: '100',
  // A mutation is acknowledged only when it is durable.
  synchronous_commit: 'on',
  wal_compression: 'on',
  // Our statements are short: compiling them costs more than it saves.
  jit: 'off',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
};

/**
 * Starts (or adopts) the PostgreSQL server of this data folder on 127.0.0.1, makes it and the database on the first
 * start, and restarts it when it dies.
 * @throws Error that says what to set when no server can run here
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { log } = options;
  const binaries = resolveBinaries();
  const files = clusterFiles(options.dataDir);
  const launcher = chooseLauncher(binaries, files.folder);
  const password = ensureCluster(files, binaries, launcher);
  const start = (port: number) =>
    launch({ files, binaries, launcher, settings: { ...serverSettings, ...options.settings }, port });

  let server = await adopt(files, password, log);
  const adopted = server !== undefined;
  server ??= await startOnFreePort(start, files);
  await ensureDatabase(server.port, password);
  log.debug(
    { pid: server.pid, port: server.port, adopted, launcher: launcher.name },
    'built-in PostgreSQL ready',
  );

  const { port } = server;
  const watch = watchServer({ server, files, log, restart: () => start(port) });
  return {
    url: urlOf(port, password),
    get pid() {
      return watch.pid();
    },
    adopted,
    stop: watch.stop,
  };
}

interface RunningServer {
  pid: number;
  port: number;
}

interface LaunchOptions {
  files: ClusterFiles;
  binaries: PostgresBinaries;
  launcher: Launcher;
  settings: Readonly<Record<string, string>>;
  port: number;
}

async function startOnFreePort(
  start: (port: number) => Promise<RunningServer>,
  files: ClusterFiles,
): Promise<RunningServer> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      // Another program may take the port between our look and the server's bind.
      // Children of a killed server hold its memory for a moment longer.
      if (tries >= 5)
        throw new Error(
          `The built-in PostgreSQL does not start: ${messageOf(error)} Its log is ${files.log}.`,
          { cause: error },
        );
      await sleep(200 * tries);
    }
  }
}

/** @throws Error with the end of the server's output when it exits instead of becoming ready */
async function launch({ files, binaries, launcher, settings, port }: LaunchOptions): Promise<RunningServer> {
  removeStalePostmasterFile(files.data);
  rotateLog(files.log);
  mkdirSync(files.sockets, { recursive: true, mode: 0o700 });
  if (launcher.owner) giveTo(files.sockets, launcher.owner);
  // The path of a socket may have 103 bytes on macOS, 107 on Linux; "/.s.PGSQL.12345.lock" comes on top.
  const sockets = Buffer.byteLength(files.sockets) <= 80 ? files.sockets : '';
  const args = [
    '-D',
    files.data,
    '-p',
    String(port),
    '-c',
    'listen_addresses=127.0.0.1',
    '-c',
    `unix_socket_directories=${sockets}`,
  ];
  for (const [name, value] of Object.entries(settings)) args.push('-c', `${name}=${value}`);
  const logFile = openSync(files.log, 'a', 0o600);
  const child = launcher.spawnDetached(binaries.postgres, args, ['ignore', logFile, logFile]);
  closeSync(logFile);
  let failure: string | undefined;
  child.once('error', (error) => (failure = messageOf(error)));
  child.once('exit', (code, signal) => (failure ??= `it exited with ${signal ?? code}.`));
  // It must neither keep our process alive nor end with it.
  child.unref();
  for (const deadline = Date.now() + startDeadlineMs; Date.now() < deadline; await sleep(10)) {
    if (failure !== undefined) throw new Error(failure);
    const file = readPostmasterFile(files.data);
    if (file?.ready && file.pid === child.pid) return { pid: file.pid, port };
  }
  child.kill('SIGQUIT');
  throw new Error(`it was not ready after ${startDeadlineMs / 1000} s.`);
}

/** Takes over a server that outlived its parent, if it answers; stops it if it does not. */
async function adopt(files: ClusterFiles, password: string, log: Logger): Promise<RunningServer | undefined> {
  const file = readPostmasterFile(files.data);
  if (!file || !isServerOf(file.pid, files.data)) return undefined;
  for (let tries = 0; tries < 20; tries += 1) {
    const current = readPostmasterFile(files.data);
    if (current?.pid !== file.pid) break;
    if (current.ready && (await answers(current.port, password))) {
      log.info(
        { pid: current.pid, port: current.port },
        'adopted the PostgreSQL that a killed server left running',
      );
      return { pid: current.pid, port: current.port };
    }
    await sleep(100);
  }
  log.warn(
    { pid: file.pid },
    'stopping a PostgreSQL that a killed server left behind and that does not answer',
  );
  await stopServer(file.pid, files.data);
  return undefined;
}

async function answers(port: number, password: string): Promise<boolean> {
  try {
    await withClient(urlOf(port, password, 'postgres'), (client) => client.query('select 1'));
    return true;
  } catch {
    return false;
  }
}

async function ensureDatabase(port: number, password: string): Promise<void> {
  await withClient(urlOf(port, password, 'postgres'), async (client) => {
    const found = await client.query('select 1 from pg_database where datname = $1', [databaseName]);
    if (found.rowCount === 0) await client.query(`create database ${databaseName}`);
  });
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 3_000 });
  // Without a listener a server that goes away in between would end our process.
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

/** Of a database of the cluster. */
export function urlOf(port: number, password: string, database = databaseName): string {
  return `postgres://${clusterUser}:${password}@127.0.0.1:${port}/${database}`;
}

interface Watch {
  pid(): number;
  stop(): Promise<void>;
}

function watchServer(options: {
  server: RunningServer;
  files: ClusterFiles;
  log: Logger;
  restart(): Promise<RunningServer>;
}): Watch {
  const { files, log } = options;
  const stopping = new AbortController();
  let { pid } = options.server;

  // Polled, not by the child's exit event: an adopted server is nobody's child here.
  const watching = (async () => {
    for (let failures = 0; !stopping.signal.aborted;) {
      await sleep(failures === 0 ? 250 : backoffMs(restartBackoff, failures), undefined, {
        signal: stopping.signal,
        ref: false,
      }).catch(() => {});
      if (stopping.signal.aborted || isRunning(pid, files.data)) continue;
      log.warn({ pid, log: files.log }, 'the built-in PostgreSQL has stopped; starting it again');
      try {
        ({ pid } = await options.restart());
        failures = 0;
        log.info({ pid }, 'the built-in PostgreSQL is running again');
      } catch (error) {
        failures += 1;
        log.error(
          { error: messageOf(error), failures, log: files.log },
          'the built-in PostgreSQL does not start',
        );
      }
    }
  })();

  let stopped: Promise<void> | undefined;
  return {
    pid: () => pid,
    stop() {
      stopped ??= (async () => {
        stopping.abort();
        await watching;
        await stopServer(pid, files.data);
      })();
      return stopped;
    },
  };
}

// Four times a second: on macOS the full look would start two `ps` each time.
function isRunning(pid: number, data: string): boolean {
  return process.platform === 'linux' ? isServerOf(pid, data) : isAlive(pid);
}

/** Fast shutdown; after the deadline the immediate one, which recovers from the log at the next start; then a kill. */
async function stopServer(pid: number, data: string): Promise<void> {
  for (const signal of ['SIGINT', 'SIGQUIT', 'SIGKILL'] as const) {
    if (!isServerOf(pid, data)) return;
    try {
      process.kill(pid, signal);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ESRCH') return;
      throw error;
    }
    for (const deadline = Date.now() + stopDeadlineMs; Date.now() < deadline; await sleep(20)) {
      if (!isServerOf(pid, data)) return;
    }
  }
  throw new Error(`PostgreSQL (process ${pid}) does not stop.`);
}

function freePort(): Promise<number> {
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

function rotateLog(path: string): void {
  if (!existsSync(path) || statSync(path).size < logFileMaxBytes) return;
  rmSync(`${path}.1`, { force: true });
  renameSync(path, `${path}.1`);
}

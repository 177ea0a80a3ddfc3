import { join } from 'node:path';
import { parseConfig } from '../../config/parse-config.ts';
import { configFileName, readConfigFile } from '../../config/read-config-file.ts';
import type { HiveConfig } from '../../config/schema.ts';
import { awaitDatabase } from '../../database/await-database.ts';
import { connectDatabase, type Database } from '../../database/connect.ts';
import { Keyring } from '../../engines/security/keyring.ts';
import { systemClock } from '../../lib/clock.ts';
import { inSystemTransaction } from '../../managers/transaction.ts';
import { appendAudit, type NewAuditEntry } from '../../stores/audit-store.ts';
import { sqlOfPool, type Sql } from '../../stores/sql.ts';
import { getHomeWorkspaceId, listWorkspaces, type WorkspaceRow } from '../../stores/workspace-store.ts';
import { AlreadyRunningError, takeInstanceLock, type InstanceLock } from '../instance-lock.ts';
import { createLog } from '../start-log.ts';
import { UsageError } from './command.ts';

/** The hive of this folder, for the length of a command. */
export interface OpenHive {
  config: HiveConfig;
  database: Database;
  /** With the rights of the system. */
  sql: Sql;
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  homeWorkspaceId: string;
  isRunning: boolean;
  /** Where the server answers on this machine, or would. */
  url: string;
  openKeyring(): Keyring;
  /** Puts on the record what somebody at this machine did. */
  record(entry: Pick<NewAuditEntry, 'action'> & Partial<NewAuditEntry>): Promise<void>;
}

/**
 * Opens the hive whose configuration is found here, as `start` would: beside the running server on its database, or alone,
 * with the built-in PostgreSQL started for the command and no server able to start meanwhile.
 * @throws Error in words for the operator
 */
export async function withHive<T>(work: (hive: OpenHive) => Promise<T>): Promise<T> {
  const cwd = process.cwd();
  const config = parseConfig({ env: process.env, file: readConfigFile(join(cwd, configFileName)), cwd });
  const log = createLog('error');
  const reached = await reachDatabase(config);
  try {
    const { url, adminUrl } = { url: reached.url, adminUrl: config.database.adminUrl };
    await awaitDatabase({ url, clock: systemClock, log, patienceMs: 5_000 });
    if (reached.isOwn) {
      const { migrate } = await import('../../database/migrate.ts');
      await migrate({ url, log });
    }
    const database = await connectDatabase({ url, adminUrl, log, poolSize: 4 });
    try {
      return await work(await openOn(database, config, reached));
    } finally {
      await database.close();
    }
  } finally {
    await reached.close();
  }
}

const lockPatienceMs = 60_000;

interface Reached {
  url: string;
  /** Started by this command. */
  isOwn: boolean;
  /** Of the server on this data folder. */
  serverUrl: string | undefined;
  isRunning: boolean;
  close(): Promise<void>;
}

async function reachDatabase(config: HiveConfig): Promise<Reached> {
  const { dataDir } = config;
  const { findRunningPostgres, hasEmbeddedData } = await import('../../database/running-postgres.ts');
  const { url } = config.database;
  if (url === undefined && !hasEmbeddedData(dataDir))
    throw new Error(
      `There is no hive in ${dataDir} yet. Start it once, or set HIVE_DATA_DIR or DATABASE_URL to where it is.`,
    );
  const held = await takeLock(dataDir);
  if (held instanceof AlreadyRunningError) {
    const running = url ?? (await findRunningPostgres(dataDir, 20_000));
    if (running === undefined)
      throw new Error(`${held.message} Its database does not answer.`, { cause: held });
    return { url: running, isOwn: false, serverUrl: held.url, isRunning: true, close: async () => {} };
  }
  const lock = held;
  if (url !== undefined) {
    // Nothing here to protect: another server may use the same database anyway.
    lock.release();
    return { url, isOwn: false, serverUrl: undefined, isRunning: false, close: async () => {} };
  }
  try {
    const { startEmbeddedPostgres } = await import('../../database/embedded-postgres.ts');
    const server = await startEmbeddedPostgres({ dataDir, log: createLog('error') });
    const close = async () => {
      await server.stop();
      lock.release();
    };
    return { url: server.url, isOwn: true, serverUrl: undefined, isRunning: false, close };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** Another command is waited for; a server is worked with. */
async function takeLock(dataDir: string): Promise<InstanceLock | AlreadyRunningError> {
  const command = process.argv.slice(2, 4).join(' ');
  for (const deadline = Date.now() + lockPatienceMs; ;) {
    try {
      return takeInstanceLock(dataDir, command);
    } catch (error) {
      if (!(error instanceof AlreadyRunningError)) throw error;
      if (error.command === undefined) return error;
      if (Date.now() >= deadline) throw error;
    }
    await systemClock.sleep(100);
  }
}

async function openOn(database: Database, config: HiveConfig, reached: Reached): Promise<OpenHive> {
  const sql = sqlOfPool(database.systemPool);
  const [found] = await sql.rows<{ there: boolean }>(
    `select to_regclass('audit_sealer') is not null as there`,
  );
  if (!found?.there)
    throw new Error(
      'The database is not up to date with this version. Start the hive once, which updates it.',
    );
  const homeWorkspaceId = await getHomeWorkspaceId(sql);
  return {
    ...{ config, database, sql, homeWorkspaceId, isRunning: reached.isRunning },
    transaction: (work) => inSystemTransaction(database.systemPool, work),
    url: reached.serverUrl ?? defaultUrl(config.server),
    openKeyring: () =>
      new Keyring({
        dataDir: config.dataDir,
        secretKey: config.security.secretKey,
        previousSecretKey: config.security.previousSecretKey,
        keepRetiredDays: config.identity.sessionDays,
      }),
    record: (entry) =>
      appendAudit(sql, [
        { workspaceId: homeWorkspaceId, actorKind: 'LOCAL', actorId: null, outcome: 'ALLOWED', ...entry },
      ]),
  };
}

function defaultUrl({ port, tlsCert }: HiveConfig['server']): string {
  return `${tlsCert === undefined ? 'http' : 'https'}://127.0.0.1:${port === 0 ? 4_000 : port}`;
}

/** @throws UsageError naming those there are */
export async function findWorkspaceBySlug(sql: Sql, slug: string): Promise<WorkspaceRow> {
  const workspaces = await listWorkspaces(sql);
  const found = workspaces.find((workspace) => workspace.slug === slug);
  if (found) return found;
  throw new UsageError(
    `There is no workspace ${slug}. Workspaces: ${workspaces.map((workspace) => workspace.slug).join(', ')}.`,
  );
}

import {
  closeSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { isAlive, startIdentity } from '../database/process-identity.ts';

interface LockFile {
  pid: number;
  /** Start of that process: a later one with the same id has another. */
  started: string;
  /** Known once the server listens. */
  url?: string;
  /** Not a server but `hive <command>`, for the moment it takes. */
  command?: string;
}

/** Another server is using the folder. */
export class AlreadyRunningError extends Error {
  readonly pid: number;
  readonly url: string | undefined;
  readonly command: string | undefined;
  constructor(dataDir: string, holder: LockFile) {
    super(
      holder.command === undefined
        ? `Agent Hive is already running on ${dataDir}: process ${holder.pid}${holder.url ? `, open ${holder.url}` : ', still starting'}. ` +
            'Stop it first, or set HIVE_DATA_DIR and HIVE_PORT for a second one.'
        : `hive ${holder.command} is at work on ${dataDir} (process ${holder.pid}). Try again when it has ended.`,
    );
    this.name = 'AlreadyRunningError';
    this.pid = holder.pid;
    this.url = holder.url;
    this.command = holder.command;
  }
}

export interface InstanceLock {
  /** Written for who tries to start a second one. */
  announce(url: string): void;
  release(): void;
}

/**
 * Makes this process the only server of the data folder. The lock is a file that names its process; it holds only while
 * that very process runs, so a kill leaves nothing to clean up by hand.
 * @param command of `hive`, which takes it instead of a server
 * @throws AlreadyRunningError, or Error naming HIVE_DATA_DIR when the folder cannot be written
 */
export function takeInstanceLock(dataDir: string, command?: string): InstanceLock {
  const path = join(dataDir, 'server.lock');
  const own: LockFile = {
    ...{ pid: process.pid, started: startIdentity(process.pid) ?? '' },
    ...(command === undefined ? {} : { command }),
  };
  const draft = `${path}.${process.pid}-${randomUUID()}`;
  try {
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(draft, JSON.stringify(own));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(
      `The data folder ${dataDir} cannot be written: ${reason}. Set HIVE_DATA_DIR to a folder that can.`,
      { cause: error },
    );
  }
  try {
    for (;;) {
      try {
        // A link appears whole or not at all, and only one process can make it.
        linkSync(draft, path);
        break;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      removeIfStale(path, dataDir);
    }
  } finally {
    rmSync(draft, { force: true });
  }
  return {
    announce(url) {
      const next = `${path}.${process.pid}-${randomUUID()}`;
      writeFileSync(next, JSON.stringify({ ...own, url }));
      renameSync(next, path);
    },
    release() {
      if (read(path)?.pid === process.pid) rmSync(path, { force: true });
    },
  };
}

/** @throws AlreadyRunningError when the holder runs */
function removeIfStale(path: string, dataDir: string): void {
  const guard = `${path}.stale`;
  let guardFile: number;
  try {
    // Two starts that find the same dead lock: one may clear it. Otherwise the slower one would remove the faster one's new lock.
    guardFile = openSync(guard, 'wx');
    writeSync(guardFile, String(process.pid));
  } catch {
    const clearing = Number(readText(guard));
    if (clearing > 0 && !isAlive(clearing)) rmSync(guard, { force: true });
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    return;
  }
  try {
    const holder = read(path);
    if (holder && isAlive(holder.pid) && startIdentity(holder.pid) === holder.started)
      throw new AlreadyRunningError(dataDir, holder);
    rmSync(path, { force: true });
  } finally {
    closeSync(guardFile);
    unlinkSync(guard);
  }
}

function read(path: string): LockFile | undefined {
  try {
    const value = JSON.parse(readFileSync(path, 'utf8')) as Partial<LockFile>;
    return typeof value.pid === 'number' && typeof value.started === 'string'
      ? (value as LockFile)
      : undefined;
  } catch {
    return undefined;
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

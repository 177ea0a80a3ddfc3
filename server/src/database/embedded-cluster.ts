import { randomBytes } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { giveTo, type Launcher, type PostgresBinaries } from './embedded-launcher.ts';
import { commandLine, isAlive } from './process-identity.ts';

/** Files of one embedded PostgreSQL, all below `<HIVE_DATA_DIR>/postgres`. */
export interface ClusterFiles {
  folder: string;
  /** PostgreSQL's own data directory. */
  data: string;
  password: string;
  log: string;
  sockets: string;
}

export function clusterFiles(dataDir: string): ClusterFiles {
  mkdirSync(dataDir, { recursive: true });
  // Real path: PostgreSQL records it, and an orphan is recognised by it.
  const folder = join(realpathSync(dataDir), 'postgres');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return {
    folder,
    data: join(folder, 'data'),
    password: join(folder, 'password'),
    log: join(folder, 'server.log'),
    sockets: join(folder, 'sockets'),
  };
}

export const clusterUser = 'hive';

/**
 * Makes the data directory when there is none. It is built beside and renamed, so that an interrupted run leaves only a
 * folder which the next one deletes.
 * @returns the password of the user `hive`
 */
export function ensureCluster(files: ClusterFiles, binaries: PostgresBinaries, launcher: Launcher): string {
  for (const name of readdirSync(files.folder)) {
    if (name.startsWith('data.init-')) rmSync(join(files.folder, name), { recursive: true, force: true });
  }
  if (existsSync(files.data) && !existsSync(join(files.data, 'PG_VERSION'))) {
    throw new Error(
      `${files.data} exists but holds no PostgreSQL data. Move it away, or set HIVE_DATA_DIR to another folder.`,
    );
  }
  if (existsSync(files.data)) {
    assertSameMajor(files, binaries, launcher);
    giveTo(files.folder, launcher.owner);
    return readPassword(files);
  }
  writeFileSync(files.password, randomBytes(24).toString('base64url'), { mode: 0o600 });
  if (launcher.owner) chownSync(files.password, launcher.owner.uid, launcher.owner.gid);
  giveTo(files.folder, launcher.owner);
  const building = join(files.folder, `data.init-${process.pid}`);
  const result = launcher.run(binaries.initdb, [
    ...['-D', building, '--username', clusterUser, '--pwfile', files.password, '--auth=scram-sha-256'],
    ...[
      '--encoding=UTF8',
      '--locale=C',
      '--locale-provider=builtin',
      '--builtin-locale=C.UTF-8',
      '--data-checksums',
    ],
  ]);
  if (result.status !== 0) {
    rmSync(building, { recursive: true, force: true });
    throw new Error(`initdb failed (${launcher.name}) in ${files.folder}: ${result.output}`);
  }
  renameSync(building, files.data);
  return readPassword(files);
}

function readPassword(files: ClusterFiles): string {
  try {
    return readFileSync(files.password, 'utf8').trim();
  } catch (cause) {
    throw new Error(
      `The password of the built-in PostgreSQL is missing: ${files.password}. Restore that file.`,
      { cause },
    );
  }
}

function assertSameMajor(files: ClusterFiles, binaries: PostgresBinaries, launcher: Launcher): void {
  const data = readFileSync(join(files.data, 'PG_VERSION'), 'utf8').trim();
  const program = / (\d+)\./.exec(launcher.run(binaries.postgres, ['--version']).output)?.[1];
  if (program !== undefined && program !== data) {
    throw new Error(
      `${files.data} was written by PostgreSQL ${data}; the built-in one is ${program}. Dump it with version ${data}, or set HIVE_DATA_DIR to a new folder.`,
    );
  }
}

/** What a running server writes about itself into `postmaster.pid`. */
export interface PostmasterFile {
  pid: number;
  port: number;
  ready: boolean;
}

/** @returns undefined when there is no such file or it is half written */
export function readPostmasterFile(data: string): PostmasterFile | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  if (!Number.isInteger(pid) || pid <= 0) return undefined;
  return { pid, port: Number.isInteger(port) ? port : 0, ready: lines[7]?.trim() === 'ready' };
}

/** Whether the process is a PostgreSQL server on exactly this data directory, and not one that got its id later. */
export function isServerOf(pid: number, data: string): boolean {
  if (!isAlive(pid)) return false;
  const args = commandLine(pid);
  if (!args?.[0] || !basename(args[0]).startsWith('postgres')) return false;
  // A server works inside its data directory, so this also holds when the folder was moved under it.
  return args.join(' ').includes(`-D ${realpathSync(data)}`) || workingFolder(pid) === realpathSync(data);
}

function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return undefined;
  }
}

/**
 * Removes a `postmaster.pid` that no server stands behind. PostgreSQL itself would refuse to start when the id in it was
 * reused by any other process.
 */
export function removeStalePostmasterFile(data: string): boolean {
  const file = readPostmasterFile(data);
  if (!existsSync(join(data, 'postmaster.pid'))) return false;
  if (file && isServerOf(file.pid, data)) return false;
  rmSync(join(data, 'postmaster.pid'), { force: true });
  return true;
}

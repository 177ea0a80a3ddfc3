import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Whether a process with this id exists, also when it belongs to somebody else. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !isZombie(pid);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Text that a later process with the same id cannot have: start time in clock ticks plus the boot it was counted in on
 * Linux, the start date elsewhere. Undefined when there is no such process.
 */
export function startIdentity(pid: number): string | undefined {
  if (process.platform === 'linux') {
    const stat = readText(`/proc/${pid}/stat`);
    if (stat === undefined) return undefined;
    // The second field is the command in parentheses and may itself hold spaces and parentheses.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return `${readText('/proc/sys/kernel/random/boot_id')?.trim() ?? ''}:${ticks}`;
  }
  return psField(pid, 'lstart=');
}

/** Arguments of a running process; undefined when there is none or they cannot be read. */
export function commandLine(pid: number): string[] | undefined {
  if (process.platform === 'linux') {
    const text = readText(`/proc/${pid}/cmdline`);
    return text ? text.split('\0').filter((part) => part !== '') : undefined;
  }
  return psField(pid, 'command=')?.split(' ');
}

/** The id of a process's parent; undefined when there is no such process. */
export function parentOf(pid: number): number | undefined {
  const text = process.platform === 'linux' ? readText(`/proc/${pid}/stat`) : psField(pid, 'ppid=');
  if (text === undefined) return undefined;
  return Number(process.platform === 'linux' ? text.slice(text.lastIndexOf(')') + 2).split(' ')[1] : text);
}

// A dead process that its parent has not collected still answers kill(pid, 0); in a container without an init that lasts.
function isZombie(pid: number): boolean {
  if (process.platform !== 'linux') return false;
  const stat = readText(`/proc/${pid}/stat`);
  return stat === undefined || stat.slice(stat.lastIndexOf(')') + 2).startsWith('Z');
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function psField(pid: number, field: string): string | undefined {
  try {
    return execFileSync('ps', ['-o', field, '-p', String(pid)], {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
    }).trim();
  } catch {
    return undefined;
  }
}

import { commandLine, isAlive, parentOf } from '../database/process-identity.ts';

export interface StopRequest {
  /** Aborted as soon as somebody asks. */
  signal: AbortSignal;
  done: Promise<void>;
}

const parentPollMs = 500;

/**
 * Resolves when the process is asked to end: Ctrl-C, SIGTERM, a closed terminal, or the end of the package manager that
 * started it, which does not always pass signals on. A second Ctrl-C a moment later ends it at once.
 */
export function onStopRequest(): StopRequest {
  const controller = new AbortController();
  let firstAt = 0;
  const done = new Promise<void>((resolve) => {
    const request = () => {
      // The terminal and the package manager may each deliver the same Ctrl-C.
      if (firstAt > 0 && Date.now() - firstAt > 500) {
        process.stderr.write(
          'Stopped at once. The built-in PostgreSQL may still be running; the next start takes it over.\n',
        );
        process.exit(130);
      }
      if (firstAt > 0) return;
      firstAt = Date.now();
      controller.abort();
      resolve();
    };
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, request);
    // Started by hand, in the background or by a service manager, it outlives its parent as any daemon does.
    if (!process.env['npm_lifecycle_event']) return;
    const parent = process.ppid;
    const starters = packageManagers();
    const timer = setInterval(() => {
      if (process.ppid === parent && starters.every(isAlive)) return;
      clearInterval(timer);
      if (firstAt === 0) request();
    }, parentPollMs);
    timer.unref();
  });
  return { signal: controller.signal, done };
}

/**
 * The chain of npx, pnpm and shells between the person's shell and us. A signal to npx alone ends only npx: the links
 * below it live on and our parent with them, so every link is watched.
 */
function packageManagers(): number[] {
  const chain: number[] = [];
  for (
    let pid: number | undefined = process.ppid;
    pid !== undefined && pid > 1 && chain.length < 10;
    pid = parentOf(pid)
  ) {
    if (!/\b(npx|npm|pnpm)\b|^(\/bin\/)?(ba|da|z)?sh -c /.test(commandLine(pid)?.join(' ') ?? '')) break;
    chain.push(pid);
  }
  return chain;
}

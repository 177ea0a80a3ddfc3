import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export interface ServerOptions {
  /** Reused to start the same installation again; a temporary one, removed at the end, when absent. */
  dataDir?: string;
  /** Absent: the built-in PostgreSQL in `dataDir`. */
  databaseUrl?: string;
  /** Any free one when absent. */
  port?: number;
  /** The folder it is started in, which is the default project. Default: `dataDir`. */
  cwd?: string;
  env?: Record<string, string>;
  /** Whether the phone app is built first when its sources changed. Default false. */
  buildApp?: boolean;
  /** Time to become ready, ms. Default 60,000. */
  readyTimeoutMs?: number;
}

export interface ServerProcess {
  url: string;
  pid: number;
  dataDir: string;
  /** Standard output and error so far. */
  output(): string;
  /** SIGTERM, then waits for the end. @returns the exit code */
  stop(): Promise<number | null>;
  /** SIGKILL, then waits for the end. */
  kill(): Promise<void>;
}

/** Starts the real server as a process of its own and waits until it answers `/health` with 200. */
export async function startServer(options: ServerOptions = {}): Promise<ServerProcess> {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'hive-server-'));
  const removesFolder = options.dataDir === undefined;
  const child = spawn(
    process.execPath,
    [
      '--expose-gc',
      '--v8-pool-size=1',
      '--max-semi-space-size=2',
      '--max-old-space-size=768',
      join(root, 'server/src/cli/start.ts'),
    ],
    {
      cwd: options.cwd ?? dataDir,
      env: {
        ...withoutHiveSettings(process.env),
        HIVE_DATA_DIR: dataDir,
        HIVE_PORT: String(options.port ?? 0),
        HIVE_APP_BUILD: options.buildApp ? 'auto' : 'never',
        // No test finds a model by chance.
        OLLAMA_URL: 'http://127.0.0.1:9',
        LLAMACPP_URL: 'http://127.0.0.1:9',
        ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
        ...options.env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  let output = '';
  const keep = (chunk: Buffer) => (output += chunk.toString());
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const finish = async () => {
    const code = await ended;
    if (removesFolder) rmSync(dataDir, { recursive: true, force: true });
    return code;
  };
  try {
    const url = await waitUntilReady(child, () => output, options.readyTimeoutMs ?? 60_000);
    return {
      url,
      pid: child.pid!,
      dataDir,
      output: () => output,
      async stop() {
        child.kill('SIGTERM');
        return finish();
      },
      async kill() {
        child.kill('SIGKILL');
        await ended;
      },
    };
  } catch (error) {
    child.kill('SIGTERM');
    await finish();
    throw error;
  }
}

async function waitUntilReady(child: ChildProcess, output: () => string, timeoutMs: number): Promise<string> {
  for (
    const deadline = Date.now() + timeoutMs;
    Date.now() < deadline;
    await new Promise((done) => setTimeout(done, 20))
  ) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the server exited with ${child.exitCode ?? child.signalCode}:\n${output()}`);
    const url = /^\s*Open\s+(http:\/\/\S+)/m.exec(output())?.[1];
    if (url && (await answersHealth(url))) return url;
  }
  throw new Error(`the server was not ready after ${timeoutMs} ms:\n${output()}`);
}

async function answersHealth(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`)).status === 200;
  } catch {
    return false;
  }
}

/** The settings of whoever runs the tests must not reach the servers they start. */
export function withoutHiveSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const settings = /^(HIVE_|OLLAMA_|LLAMACPP_|OPENAI_|ANTHROPIC_|DATABASE_URL$|REDIS_URL$)/;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !settings.test(name)));
}

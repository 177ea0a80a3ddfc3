import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { withoutHiveSettings } from './server-process.ts';

const program = fileURLToPath(new URL('../../server/src/cli/hive.ts', import.meta.url));

export interface CommandResult {
  code: number | null;
  out: string;
  error: string;
}

export interface HiveCommandOptions {
  dataDir: string;
  databaseUrl?: string;
  env?: Record<string, string>;
}

/** Runs `hive <words>` as a process of its own, in the data folder. */
export function runHive(options: HiveCommandOptions, ...words: string[]): Promise<CommandResult> {
  const child = spawn(process.execPath, [program, ...words], {
    cwd: options.dataDir,
    env: {
      ...withoutHiveSettings(process.env),
      HIVE_DATA_DIR: options.dataDir,
      ...(options.databaseUrl === undefined ? {} : { DATABASE_URL: options.databaseUrl }),
      ...options.env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const result: CommandResult = { code: null, out: '', error: '' };
  child.stdout.on('data', (chunk: Buffer) => (result.out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (result.error += chunk.toString()));
  return new Promise((resolve) => void child.once('close', (code) => resolve({ ...result, code })));
}

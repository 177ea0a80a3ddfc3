import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { recordingLog } from '../../../tests/support/log.ts';
import { parseConfig } from './parse-config.ts';
import { readConfigFile } from './read-config-file.ts';
import { watchConfig, type ConfigWatch } from './watch-config.ts';

let folder: string;
let path: string;
let watched: ConfigWatch;
let log: ReturnType<typeof recordingLog>;

const write = (value: unknown) =>
  writeFileSync(path, typeof value === 'string' ? value : JSON.stringify(value));

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hive-config-'));
  path = join(folder, 'hive.config.json');
  write({ log: { level: 'warn' }, server: { port: 4100 } });
  log = recordingLog();
  const config = parseConfig({ env: {}, file: readConfigFile(path), cwd: folder });
  watched = await watchConfig({ config, env: {}, path, cwd: folder, log });
});

afterEach(async () => {
  await watched.stop();
  rmSync(folder, { recursive: true, force: true });
});

const nextChange = () => new Promise<void>((resolve) => watched.onChange(() => resolve()));

test('an edit of a reloadable setting reaches the listeners', async () => {
  const changed = nextChange();
  write({ log: { level: 'debug' }, server: { port: 4100 } });
  await changed;
  expect(watched.current().log.level).toBe('debug');
  expect(Object.isFrozen(watched.current().log)).toBe(true);
});

test('an invalid edit keeps the settings and says why', () => {
  write({ log: { level: 'loud' } });
  watched.reload();
  expect(watched.current().log.level).toBe('warn');
  expect(JSON.stringify(log.lines)).toContain('must be one of debug, info');
});

test('a setting that is not reloadable keeps its value and asks for a restart', () => {
  write({ log: { level: 'error' }, server: { port: 4200 } });
  watched.reload();
  expect(watched.current().server.port).toBe(4100);
  expect(watched.current().log.level).toBe('error');
  expect(log.lines.find((line) => line.level === 'warn')?.fields).toEqual({ settings: ['server.port'] });
});

test('a deleted file means the defaults', () => {
  rmSync(path);
  watched.reload();
  expect(watched.current().log.level).toBe('info');
});

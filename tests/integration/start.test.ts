import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive } from '../../server/src/database/process-identity.ts';
import { requestData } from '../support/graphql-client.ts';
import { startServer } from '../support/server-process.ts';

const program = fileURLToPath(new URL('../../server/src/cli/start.ts', import.meta.url));
let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'hive-start-'));
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const postgresPid = () =>
  Number(readFileSync(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0]);

test('a stop takes the database with it, and the next start finds everything as it was', async () => {
  const first = await startServer({ dataDir });
  const pid = postgresPid();
  const { goal } = await requestData<{ goal: { id: string } }>(
    first.url,
    `mutation { goal: dispatchGoal(input: { text: "kept", autoStart: false }) { ... on Goal { id } } }`,
  );
  expect(first.output()).toContain('ollama');
  expect(first.output()).toContain(dataDir);
  expect(await first.stop()).toBe(0);
  expect(isAlive(pid)).toBe(false);
  const second = await startServer({ dataDir });
  expect(
    await requestData(second.url, `query ($id: ID!) { goal(id: $id) { text } }`, { id: goal.id }),
  ).toEqual({ goal: { text: 'kept' } });
  await second.stop();
});

test('a second start in the same folder says which one is running', async () => {
  const first = await startServer({ dataDir });
  const second = spawnSync(process.execPath, [program], {
    cwd: dataDir,
    env: { ...process.env, HIVE_DATA_DIR: dataDir, HIVE_PORT: '0', HIVE_APP_BUILD: 'never' },
    encoding: 'utf8',
  });
  expect(second.status).toBe(1);
  expect(second.stderr).toContain(`process ${first.pid}`);
  expect(second.stderr).toContain(first.url);
  await first.stop();
});

test('after a SIGKILL the database is adopted and the lock does not stand in the way', async () => {
  const first = await startServer({ dataDir });
  const pid = postgresPid();
  await first.kill();
  expect(isAlive(pid)).toBe(true);
  const second = await startServer({ dataDir });
  expect(postgresPid()).toBe(pid);
  await second.stop();
  expect(isAlive(pid)).toBe(false);
});

test('a wrong configuration ends it with every problem at once', () => {
  const failed = spawnSync(process.execPath, [program], {
    cwd: dataDir,
    env: { ...process.env, HIVE_HOST: '0.0.0.0', HIVE_PORT: 'x' },
    encoding: 'utf8',
  });
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain('HIVE_PORT (environment) is "x"');
  expect(failed.stderr).toContain('no sign-in yet');
});

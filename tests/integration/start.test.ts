import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
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
    env: { ...process.env, HIVE_TLS_CERT: 'cert.pem', HIVE_PORT: 'x' },
    encoding: 'utf8',
  });
  expect(failed.status).toBe(1);
  expect(failed.stderr).toContain('HIVE_PORT (environment) is "x"');
  expect(failed.stderr).toContain('HIVE_TLS_KEY');
});

test('of starts at the same moment in the same folder, one runs and the others say so', async () => {
  // A dead server's lock makes each of them clear up first, which is where two could both win.
  for (const stale of [false, true]) {
    if (stale)
      writeFileSync(join(dataDir, 'server.lock'), JSON.stringify({ pid: process.pid, started: 'long ago' }));
    const children = Array.from({ length: 4 }, () => {
      const child = spawn(process.execPath, [program], {
        cwd: dataDir,
        env: { ...process.env, HIVE_DATA_DIR: dataDir, HIVE_PORT: '0', HIVE_APP_BUILD: 'never' },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      const state = { child, output: '', ended: once(child, 'close').then(([code]) => code as number) };
      const keep = (chunk: Buffer) => (state.output += chunk.toString());
      child.stdout.on('data', keep);
      child.stderr.on('data', keep);
      return state;
    });
    const ready = () => children.filter(({ output }) => output.includes('Agent Hive is ready'));
    const refused = () => children.filter(({ output }) => output.includes('Agent Hive is already running'));
    await expect.poll(() => [ready().length, refused().length], { timeout: 30_000 }).toEqual([1, 3]);
    const [winner] = ready();
    for (const loser of refused()) {
      expect(await loser.ended).toBe(1);
      expect(loser.output).toContain(`process ${winner!.child.pid}`);
    }
    winner!.child.kill('SIGTERM');
    expect(await winner!.ended).toBe(0);
  }
});

test('an edit of the configuration file reaches the running parts; an invalid one is refused with its reason', async () => {
  const path = join(dataDir, 'hive.config.json');
  // As editors save: whole, in place of the old one.
  const save = (text: string) => {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  };
  const server = await startServer({ dataDir });
  const modelsTried = async () => {
    const { health } = await requestData<{ health: { providers: { name: string }[] } }>(
      server.url,
      '{ health { providers { name } } }',
    );
    return health.providers.map(({ name }) => name);
  };
  expect(await modelsTried()).toEqual(['ollama', 'llamacpp', 'openai', 'anthropic', 'extractive']);
  save(JSON.stringify({ llm: { providers: ['llamacpp', 'extractive'] } }));
  await expect.poll(modelsTried, { timeout: 10_000 }).toEqual(['llamacpp', 'extractive']);
  save(JSON.stringify({ llm: { providers: ['nobody'] } }));
  await expect.poll(() => server.output(), { timeout: 10_000 }).toMatch(/llm\.providers.*nobody/);
  expect(server.output()).toContain('the settings stay as they were');
  expect(await modelsTried()).toEqual(['llamacpp', 'extractive']);
  save(JSON.stringify({ llm: { providers: ['extractive'] } }));
  await expect.poll(modelsTried, { timeout: 10_000 }).toEqual(['extractive']);
  expect(await server.stop()).toBe(0);
});

test('a data folder that cannot be one is refused with the setting that names it', () => {
  const file = join(dataDir, 'a-file');
  writeFileSync(file, '');
  for (const folder of [file, join(file, 'below')]) {
    const failed = spawnSync(process.execPath, [program], {
      cwd: dataDir,
      env: { ...process.env, HIVE_DATA_DIR: folder, HIVE_PORT: '0', HIVE_APP_BUILD: 'never' },
      encoding: 'utf8',
    });
    expect(failed.status).toBe(1);
    expect(failed.stderr).toContain(`The data folder ${folder} cannot be written`);
    expect(failed.stderr).toContain('HIVE_DATA_DIR');
  }
});

test('a folder with spaces and characters from elsewhere in its name works', async () => {
  const odd = join(dataDir, 'my hive – ünï 🐝');
  mkdirSync(odd);
  const server = await startServer({ dataDir: odd });
  expect((await fetch(`${server.url}/health`)).status).toBe(200);
  expect(await server.stop()).toBe(0);
});

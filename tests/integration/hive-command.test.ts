import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { isAlive } from '../../server/src/database/process-identity.ts';
import { createTestDatabaseUrl, dropTestDatabase } from '../support/database.ts';
import { runHive } from '../support/hive-command.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';

const folders: string[] = [];
function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'hive-command-'));
  folders.push(folder);
  return folder;
}
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

describe('without a hive', () => {
  it.each([
    [[], 0, /audit verify +checks that nothing/],
    [['help', 'secrets', 'rotate'], 0, /HIVE_SECRET_KEY_PREVIOUS/],
    [['audit', 'export', '--help'], 0, /-o, --output <file>/],
    [['audit', 'verfy'], 2, /did you mean audit verify/],
    [['audit'], 2, /Commands: audit verify, audit export, help/],
    [['audit', 'verify', '--hed', 'x'], 2, /Unknown option '--hed'[^]*hive audit verify \[--workspace/],
    [['audit', 'verify', '--head', 'x'], 2, /64 hexadecimal digits; "x" is not/],
    [['audit', 'verify', '--file', 'a', '--workspace', 'b'], 2, /do not go together/],
    [['admin', 'reset'], 2, /Add --yes/],
    [['admin', 'reset', '--yes', '--email', 'x'], 2, /"x" is not/],
    [['secrets', 'rotate', 'now'], 2, /'now'/],
    [['audit', 'verify'], 1, /There is no hive in .* yet/],
    [['audit', 'verify', '--file', 'missing.jsonl'], 1, /missing\.jsonl cannot be read/],
  ])('hive %j ends with %i and says why', async (words, code, text) => {
    const dataDir = newFolder();
    const result = await runHive({ dataDir }, ...words);
    expect(result).toMatchObject({ code });
    expect(code === 0 ? result.out : result.error).toMatch(text);
    expect(readdirSync(dataDir)).toEqual([]);
  });
});

describe('beside a running server', () => {
  let databaseUrl: string;
  let server: ServerProcess;
  let owner: pg.Client;
  const hive = (...words: string[]) => runHive({ dataDir: server.dataDir, databaseUrl }, ...words);

  beforeAll(async () => {
    databaseUrl = await createTestDatabaseUrl();
    server = await startServer({ databaseUrl });
    owner = new pg.Client({ connectionString: databaseUrl });
    await owner.connect();
  });
  afterAll(async () => {
    await owner.end();
    await server.stop();
    await dropTestDatabase(databaseUrl);
  });

  const tokenIn = (text: string) => /#token=([A-Za-z0-9_-]+)/.exec(text)?.[1];
  const post = (path: string, body: unknown, cookie?: string) =>
    fetch(`${server.url}/api/auth/hive/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: server.url, ...(cookie ? { cookie } : {}) },
      body: JSON.stringify(body),
    });
  const cookieOf = (response: Response) =>
    response.headers
      .getSetCookie()
      .map((line) => line.split(';')[0])
      .join('; ');
  const isSignedIn = async (cookie: string) => {
    const response = await fetch(`${server.url}/api/auth/hive/status`, { headers: { cookie } });
    return ((await response.json()) as { signedIn: boolean }).signedIn;
  };

  let ownerCookie = '';
  /** Until nothing waits to be sealed. */
  const untilSealed = async () => {
    while ((await hive('audit', 'verify')).out.includes('not sealed yet'));
  };

  it('makes the owner by a link, and lets them back in by a reset that ends everything before', async () => {
    const first = await hive('admin', 'link');
    expect(first.code).toBe(0);
    expect(first.out).toContain(`${server.url}/setup#token=`);
    const second = await hive('admin', 'link');
    const account = { name: 'Ada', email: 'ada@hive.example', password: 'correct horse battery' };
    // The first link ended when the second one was made.
    expect((await post('setup', { token: tokenIn(first.out), ...account })).ok).toBe(false);
    const created = await post('setup', { token: tokenIn(second.out), ...account });
    expect(created.status).toBe(200);
    const cookie = cookieOf(created);
    expect(await isSignedIn(cookie)).toBe(true);
    expect(await hive('admin', 'link')).toMatchObject({
      code: 1,
      error: expect.stringContaining('has an owner') as string,
    });

    expect(await hive('admin', 'reset', '--yes', '--email', 'eve@hive.example')).toMatchObject({
      code: 1,
      error: expect.stringContaining('Owners: ada@hive.example') as string,
    });
    const reset = await hive('admin', 'reset', '--yes');
    expect(reset.code).toBe(0);
    expect(reset.out).toContain('Every way in of ada@hive.example has ended');
    expect(await isSignedIn(cookie)).toBe(false);
    const again = await post('setup', {
      ...{ token: tokenIn(reset.out), name: 'Ada', email: 'ada@hive.example' },
      password: 'another horse battery',
    });
    expect(again.status).toBe(200);
    ownerCookie = cookieOf(again);
    expect(await isSignedIn(ownerCookie)).toBe(true);
  });

  it('exports what can be verified elsewhere', async () => {
    await untilSealed();
    const file = join(server.dataDir, 'trail.jsonl');
    const exported = await hive('audit', 'export', '-o', file);
    expect(exported).toMatchObject({ code: 0, out: '' });
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(await hive('audit', 'export', '-o', file)).toMatchObject({
      code: 1,
      error: expect.stringContaining('choose another name') as string,
    });
    const checked = await runHive({ dataDir: newFolder() }, 'audit', 'verify', '--file', file);
    expect(checked).toMatchObject({ code: 0, out: expect.stringContaining('intact') as string });
    expect((await hive('audit', 'export')).out).toContain('"action":"owner.reset"');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"LOCAL"', '"USER"'));
    expect(await hive('audit', 'verify', '--file', file)).toMatchObject({
      code: 1,
      out: expect.stringContaining('the entry is not what was sealed') as string,
    });
  });

  it('rotates the key under the server, which goes on with the new one', async () => {
    const path = join(server.dataDir, 'secret.key');
    const before = readFileSync(path, 'utf8');
    const rotated = await hive('secrets', 'rotate');
    expect(rotated).toMatchObject({ code: 0, out: expect.stringContaining('is retired') as string });
    expect(readFileSync(path, 'utf8')).not.toBe(before);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    // Cookies signed with the key before are still good, and signed anew once the server has seen the new one.
    expect(await isSignedIn(ownerCookie)).toBe(true);
    let renewed = '';
    while (renewed === '') {
      const response = await fetch(`${server.url}/api/auth/hive/status`, {
        headers: { cookie: ownerCookie },
      });
      expect(((await response.json()) as { signedIn: boolean }).signedIn).toBe(true);
      renewed = cookieOf(response);
    }
    expect(renewed).not.toBe(ownerCookie);
    expect(await isSignedIn(renewed)).toBe(true);
  });

  it('says where the trail was changed, and exits with 1', async () => {
    await untilSealed();
    const intact = await hive('audit', 'verify');
    expect(intact).toMatchObject({ code: 0, out: expect.stringContaining(', intact') as string });
    const head = /head ([0-9a-f]{64})/.exec(intact.out)![1]!;
    expect(await hive('audit', 'verify', '--head', head)).toMatchObject({ code: 0 });
    expect(await hive('audit', 'verify', '--head', '0'.repeat(64))).toMatchObject({
      code: 1,
      out: expect.stringContaining('is not in the trail') as string,
    });
    expect(await hive('audit', 'verify', '--workspace', 'nowhere')).toMatchObject({
      code: 2,
      error: expect.stringContaining('Workspaces: default') as string,
    });
    await owner.query(`begin; set local session_replication_role = 'replica';
      update audit_entry set actor_kind = 'USER' where action = 'owner.reset'; commit`);
    const broken = await hive('audit', 'verify', '--workspace', 'default');
    expect(broken.code).toBe(1);
    expect(broken.out).toMatch(
      /default: .* BROKEN\n {2}position \d+, entry [0-9a-f-]{36}: its entry is not what was sealed/,
    );
  });
});

describe('with the built-in PostgreSQL', () => {
  it('works beside the server, and alone, leaving nothing running', async () => {
    const dataDir = newFolder();
    const postgresPid = () =>
      Number(readFileSync(join(dataDir, 'postgres/data/postmaster.pid'), 'utf8').split('\n')[0]);
    const server = await startServer({ dataDir });
    const pid = postgresPid();
    expect(await runHive({ dataDir }, 'secrets', 'rotate')).toMatchObject({ code: 0 });
    expect(isAlive(pid)).toBe(true);
    await server.stop();

    const both = await Promise.all([
      runHive({ dataDir }, 'audit', 'verify'),
      runHive({ dataDir }, 'admin', 'link'),
    ]);
    expect(both.map((result) => result.code)).toEqual([0, 0]);
    expect(both[1]!.out).toContain('start it before you open the link');
    expect(() => postgresPid()).toThrow();
    expect(readdirSync(dataDir)).not.toContain('server.lock');

    const again = await startServer({ dataDir });
    const link = /#token=([A-Za-z0-9_-]+)/.exec(both[1]!.out)![1];
    expect(again.output()).not.toContain(link);
    await again.stop();
  });

  it('says what is wrong with a key file that others can read', async () => {
    const dataDir = newFolder();
    writeFileSync(join(dataDir, 'secret.key'), '{}', { mode: 0o644 });
    const databaseUrl = inject('postgresUrl');
    const result = await runHive(
      { dataDir, databaseUrl: databaseUrl.replace(/\/[^/]*$/, '/hive_template') },
      ...['secrets', 'rotate'],
    );
    expect(result).toMatchObject({ code: 1, error: expect.stringContaining('chmod 600') as string });
  });
});

import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { password, startIdentity, type TestHive } from './identity-server.ts';

let hive: TestHive;
beforeAll(async () => {
  hive = await startIdentity();
});
afterAll(() => hive.stop());

const tokenOf = (url: string) => url.split('#token=')[1]!;
const owners = async () =>
  (await hive.database.pool.query(`select user_id from membership where role = 'OWNER'`)).rows;

describe('the setup link', () => {
  test('is asked for by the machine itself only', async () => {
    const remote = await hive.browser().post('/hive/setup/link');
    expect(remote).toMatchObject({ status: 403, body: { code: 'LOCAL_ONLY' } });
    const local = await hive.localBrowser().post('/hive/setup/link');
    expect(local.body.url).toMatch(new RegExp(`^${hive.baseUrl}/setup#token=[\\w-]{43}$`));
    expect(Date.parse(local.body.expiresAt) - Date.now()).toBeGreaterThan(14 * 60_000);
  });

  test('ends with the next one', async () => {
    const first = await hive.identity.createSetupLink(hive.baseUrl);
    const second = await hive.identity.createSetupLink(hive.baseUrl);
    const browser = hive.browser();
    expect((await browser.post('/hive/setup/check', { token: tokenOf(first.url) })).body.valid).toBe(false);
    expect((await browser.post('/hive/setup/check', { token: tokenOf(second.url) })).body.valid).toBe(true);
  });

  test('ends after fifteen minutes', async () => {
    const { url } = await hive.identity.createSetupLink(hive.baseUrl);
    await hive.database.pool.query(
      `update identity.setup_token set expires_at = now() where used_at is null`,
    );
    const answer = await hive
      .browser()
      .post('/hive/setup', { token: tokenOf(url), name: 'Eve', email: 'eve@hive.example', password });
    expect(answer).toMatchObject({ status: 400, body: { code: 'INVALID_TOKEN' } });
    expect(await owners()).toEqual([]);
  });

  test('is answered alike whether it was never made or has expired', async () => {
    const { url } = await hive.identity.createSetupLink(hive.baseUrl);
    await hive.database.pool.query(
      `update identity.setup_token set expires_at = now() where used_at is null`,
    );
    const input = { name: 'Eve', email: 'eve@hive.example', password };
    const browser = hive.browser();
    const expired = await browser.post('/hive/setup', { ...input, token: tokenOf(url) });
    const forged = await browser.post('/hive/setup', { ...input, token: 'A'.repeat(43) });
    expect(expired.body).toEqual(forged.body);
    expect(expired.status).toBe(forged.status);
  });

  test('takes no password of eleven characters, and stays good', async () => {
    const { url } = await hive.identity.createSetupLink(hive.baseUrl);
    const input = { token: tokenOf(url), name: 'Ada', email: 'ada@hive.example', password: 'elevenchars' };
    const answer = await hive.browser().post('/hive/setup', input);
    expect(answer).toMatchObject({ status: 400, body: { code: 'PASSWORD_REFUSED' } });
    expect(answer.body.message).toContain('11 characters');
    const check = await hive.browser().post('/hive/setup/check', { token: tokenOf(url) });
    expect(check.body.valid).toBe(true);
  });

  test('needs a password where browsers make no passkeys', async () => {
    const { url } = await hive.identity.createSetupLink(hive.baseUrl);
    const browser = hive.browser(`127.0.0.1:${hive.port}`);
    const answer = await browser.post('/hive/setup', {
      token: tokenOf(url),
      name: 'Ada',
      email: 'a@hive.example',
    });
    expect(answer).toMatchObject({ status: 400, body: { code: 'PASSWORD_REQUIRED' } });
    expect((await browser.get('/hive/status')).body.methods.passkey).toBe(false);
    expect((await hive.browser().get('/hive/status')).body.methods.passkey).toBe(true);
  });

  test('goes on where it broke off before the account was an owner', async () => {
    const { members } = hive.options;
    const addOwner = () => Promise.reject(new Error('the database went away'));
    await hive.restart({ members: { ...members, addOwner } });
    const first = await hive.identity.createSetupLink(hive.baseUrl);
    const input = { name: 'Ada', email: 'broken@hive.example', password };
    const failed = await hive.browser().post('/hive/setup', { ...input, token: tokenOf(first.url) });
    expect(failed.status).toBe(500);
    expect(await owners()).toEqual([]);
    const made: string[] = [];
    await hive.restart({ members: { ...members, addOwner: async (id) => void made.push(id) } });
    const second = await hive.identity.createSetupLink(hive.baseUrl);
    const done = await hive.browser().post('/hive/setup', { ...input, token: tokenOf(second.url) });
    expect(done.status).toBe(200);
    expect(made).toEqual([done.body.user.id]);
    await hive.restart({ members });
    await hive.database.pool.query(`delete from identity."user"`);
  });

  test('makes one owner when two browsers open it at once', async () => {
    const { url } = await hive.identity.createSetupLink(hive.baseUrl);
    const answers = await Promise.all(
      ['ada', 'bob', 'cleo'].map((name) =>
        hive
          .browser()
          .post('/hive/setup', { token: tokenOf(url), name, email: `${name}@hive.example`, password }),
      ),
    );
    expect(answers.map(({ status }) => status).toSorted((left, right) => left - right)).toEqual([
      200, 400, 400,
    ]);
    expect(await owners()).toHaveLength(1);
    const people = await hive.database.pool.query(`select id from identity."user"`);
    expect(people.rows).toEqual([{ id: (await owners())[0].user_id }]);
    const made = answers.find(({ status }) => status === 200)!.body;
    expect(made.recoveryCodes).toHaveLength(10);
    expect(new Set(made.recoveryCodes).size).toBe(10);
    expect(made.recoveryCodes[0]).toMatch(/^([0-9A-Z]{4}-){3}[0-9A-Z]{4}$/);
    expect(hive.events).toContainEqual(
      expect.objectContaining({ type: 'setup.completed', userId: made.user.id, method: 'PASSWORD' }),
    );
  });

  test('cannot be had once there is an owner', async () => {
    await expect(hive.identity.createSetupLink(hive.baseUrl)).rejects.toThrow('has an owner already');
    expect((await hive.localBrowser().post('/hive/setup/link')).body.code).toBe('OWNER_EXISTS');
    expect((await hive.browser().get('/hive/status')).body).toMatchObject({
      hasOwner: true,
      signedIn: false,
    });
  });

  test('of a reset gives the same owner new credentials, and ends the old ones', async () => {
    const [owner] = await owners();
    const [before] = await hive.identity.findPeople([owner.user_id]);
    const signedIn = hive.browser();
    expect((await signedIn.post('/sign-in/email', { email: before!.email, password })).status).toBe(200);
    const { url, email } = await hive.identity.resetOwner(hive.baseUrl);
    expect(email).toBe(before!.email);
    expect(await hive.identity.findSession(signedIn.cookie, hive.baseUrl)).toBeUndefined();
    expect((await signedIn.post('/sign-in/email', { email, password })).status).toBe(401);
    const browser = hive.browser();
    const check = await browser.post('/hive/setup/check', { token: tokenOf(url) });
    expect(check.body).toMatchObject({ valid: true, email });
    const input = { token: tokenOf(url), name: before!.name, email, password: 'another long password' };
    const done = await browser.post('/hive/setup', input);
    expect(done.body.user.id).toBe(owner.user_id);
    expect(await owners()).toHaveLength(1);
    expect((await hive.browser().post('/hive/setup', input)).body.code).toBe('INVALID_TOKEN');
    expect(await hive.identity.findSession(browser.cookie, hive.baseUrl)).toMatchObject({
      userId: owner.user_id,
    });
  });
});

test('no token, password or code is kept or told as it is', async () => {
  const { rows } = await hive.database.pool.query(
    `select password from identity.account where password is not null`,
  );
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) expect(row.password).toMatch(/^scrypt\$32768\$8\$3\$/);
  expect(JSON.stringify(hive.events)).not.toMatch(/token=|battery|scrypt/);
});

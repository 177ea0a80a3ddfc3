import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { password, startIdentity, type TestHive } from './identity-server.ts';
import type { Browser } from './browser.ts';

let hive: TestHive;
let owner: Browser;
let userId: string;
beforeAll(async () => {
  hive = await startIdentity();
  ({ owner, userId } = await hive.setUp());
});
afterAll(() => hive.stop());

const findSession = (browser: Browser) => hive.identity.findSession(browser.cookie, browser.origin);

describe('pairing', () => {
  test('signs a second device in once, and the first one sees it', async () => {
    const started = (await owner.post('/hive/pair/start')).body;
    expect(started.url).toBe(`${hive.baseUrl}/pair#token=${started.token}`);
    expect(started.svg).toMatch(/^<svg /);
    expect(started.reachable).toBe(false);
    expect((await owner.post('/hive/pair/state', { token: started.token })).body).toEqual({
      state: 'WAITING',
    });
    const phone = hive.browser();
    const claimed = await phone.post('/hive/pair/claim', { token: started.token, deviceName: 'Phone' });
    expect(claimed.status).toBe(200);
    expect(await findSession(phone)).toMatchObject({ userId });
    const state = (await owner.post('/hive/pair/state', { token: started.token })).body;
    expect(state).toMatchObject({ state: 'CLAIMED', session: { deviceName: 'Phone', method: 'PAIRING' } });
    const again = await hive.browser().post('/hive/pair/claim', { token: started.token });
    expect(again).toMatchObject({ status: 400, body: { code: 'INVALID_TOKEN' } });
    const paired = hive.events.at(-1);
    expect(paired).toMatchObject({ type: 'device.paired', userId });
    expect(JSON.stringify(paired)).not.toContain('Phone');
  });

  test('lets one of many who claim at once', async () => {
    const { token } = (await owner.post('/hive/pair/start')).body;
    const tries = await Promise.all(
      Array.from({ length: 5 }, () => hive.browser().post('/hive/pair/claim', { token })),
    );
    expect(tries.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('ends after its time, with the next code, and with the device that shows it', async () => {
    const claim = (token: string) => hive.browser().post('/hive/pair/claim', { token });
    const first = (await owner.post('/hive/pair/start')).body.token;
    const second = (await owner.post('/hive/pair/start')).body.token;
    expect((await claim(first)).status).toBe(400);
    await hive.database.pool.query('update identity.pairing set expires_at = now() where claimed_at is null');
    expect((await claim(second)).status).toBe(400);
    expect((await owner.post('/hive/pair/state', { token: second })).body).toEqual({ state: 'EXPIRED' });
    const laptop = hive.browser();
    await laptop.post('/sign-in/email', { email: 'ada@hive.example', password });
    const third = (await laptop.post('/hive/pair/start')).body.token;
    await laptop.post('/sign-out');
    expect((await claim(third)).status).toBe(400);
  });

  test('shows an address that a phone can open, where there is one', async () => {
    await hive.restart({ phoneUrl: () => 'http://192.168.1.5:4000' });
    const lan = (await owner.post('/hive/pair/start')).body;
    expect(lan).toMatchObject({ url: `http://192.168.1.5:4000/pair#token=${lan.token}`, reachable: true });
    await hive.restart({ publicUrl: 'https://hive.example' });
    const named = (await owner.post('/hive/pair/start')).body;
    expect(named.url).toBe(`https://hive.example/pair#token=${named.token}`);
    await hive.restart({ publicUrl: undefined });
  });

  test('cannot be started or watched by who is not signed in', async () => {
    const { token } = (await owner.post('/hive/pair/start')).body;
    expect((await hive.browser().post('/hive/pair/start')).status).toBe(401);
    expect((await hive.browser().post('/hive/pair/state', { token })).status).toBe(401);
  });

  test('does not make a device that may add credentials by itself', async () => {
    const { token } = (await owner.post('/hive/pair/start')).body;
    const phone = hive.browser();
    await phone.post('/hive/pair/claim', { token });
    const refused = await phone.get('/passkey/generate-register-options');
    expect(refused).toMatchObject({ status: 403, body: { code: 'CONFIRM_REQUIRED' } });
    expect((await phone.post('/hive/confirm', { password: 'not the password' })).status).toBe(401);
    expect((await phone.post('/hive/confirm', { password })).status).toBe(200);
    expect((await phone.get('/passkey/generate-register-options')).status).toBe(200);
  });
});

describe('an invitation', () => {
  test('makes an account and a member, once', async () => {
    const token = await hive.invite('VIEWER');
    const guest = hive.browser();
    const check = (await guest.post('/hive/invitation/check', { token })).body;
    expect(check).toMatchObject({ valid: true, role: 'VIEWER', needsAccount: true });
    expect(check.workspaceName).toBeTypeOf('string');
    const input = { token, name: 'Bob', email: 'bob@hive.example', password };
    const short = await guest.post('/hive/invitation/accept', { ...input, password: 'short' });
    expect(short.body.code).toBe('PASSWORD_REFUSED');
    const joined = await guest.post('/hive/invitation/accept', input);
    expect(joined.body).toMatchObject({ outcome: 'JOINED', user: { email: 'bob@hive.example' } });
    expect(joined.body.recoveryCodes).toHaveLength(10);
    expect(await findSession(guest)).toMatchObject({ userId: joined.body.user.id });
    expect(await hive.options.members.isMember(joined.body.user.id)).toBe(true);
    const again = await hive
      .browser()
      .post('/hive/invitation/accept', { ...input, email: 'eve@hive.example' });
    expect(again).toMatchObject({ status: 400, body: { code: 'INVALID_TOKEN' } });
    expect((await hive.browser().post('/hive/invitation/check', { token })).body).toEqual({ valid: false });
  });

  test('makes one account of many that are tried at once', async () => {
    const token = await hive.invite();
    const names = ['cleo', 'dan', 'eli', 'fay'];
    const tries = await Promise.all(
      names.map((name) =>
        hive
          .browser()
          .post('/hive/invitation/accept', { token, name, email: `${name}@hive.example`, password }),
      ),
    );
    expect(tries.filter(({ status }) => status === 200)).toHaveLength(1);
    const { rows } = await hive.database.pool.query(
      `select email from identity."user" where email = any($1)`,
      [names.map((name) => `${name}@hive.example`)],
    );
    expect(rows).toHaveLength(1);
  });

  test('is for who is signed in, too, and left open by who is a member already', async () => {
    const token = await hive.invite();
    const check = (await owner.post('/hive/invitation/check', { token })).body;
    expect(check.needsAccount).toBe(false);
    expect((await owner.post('/hive/invitation/accept', { token })).body.outcome).toBe('MEMBER');
    expect((await hive.browser().post('/hive/invitation/check', { token })).body.valid).toBe(true);
  });

  test('gives nobody the account of somebody else', async () => {
    const token = await hive.invite();
    const input = { token, name: 'Ada', email: 'ada@hive.example', password: 'another long password' };
    const taken = await hive.browser().post('/hive/invitation/accept', input);
    expect(taken).toMatchObject({ status: 409, body: { code: 'SIGN_IN_FIRST' } });
    const old = await hive.browser().post('/sign-in/email', { email: 'ada@hive.example', password });
    expect(old.status).toBe(200);
    const forged = await hive.browser().post('/hive/invitation/accept', { ...input, token: 'A'.repeat(43) });
    expect(forged.body.code).toBe('INVALID_TOKEN');
  });
});

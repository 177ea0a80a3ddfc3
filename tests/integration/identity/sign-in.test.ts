import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { password, startIdentity, type TestHive } from './identity-server.ts';
import { readTotpUri } from './totp-app.ts';
import type { Browser } from './browser.ts';

const email = 'ada@hive.example';
let hive: TestHive;
let owner: Browser;
let userId: string;
let recoveryCodes: string[];
beforeAll(async () => {
  hive = await startIdentity();
  ({ owner, userId, recoveryCodes } = await hive.setUp(email));
});
afterAll(() => hive.stop());

async function signedIn(): Promise<Browser> {
  const browser = hive.browser();
  const { status } = await browser.post('/sign-in/email', { email, password });
  expect(status).toBe(200);
  return browser;
}

const findSession = (browser: Browser) => hive.identity.findSession(browser.cookie, browser.origin);

describe('a password', () => {
  test('signs in, whatever the case of the address', async () => {
    const browser = hive.browser();
    await browser.post('/sign-in/email', { email: 'Ada@Hive.Example', password });
    expect(await findSession(browser)).toMatchObject({ userId });
    expect(hive.events.at(-1)).toMatchObject({
      type: 'sign_in.succeeded',
      userId,
      method: 'PASSWORD',
      address: expect.stringMatching(/^203\.0\./),
    });
  });

  test('that is wrong is answered like an address nobody has', async () => {
    const wrong = await hive.browser().post('/sign-in/email', { email, password: 'not the password' });
    const unknown = await hive
      .browser()
      .post('/sign-in/email', { email: 'nobody@hive.example', password: 'not the password' });
    expect(wrong.status).toBe(401);
    expect(unknown.status).toBe(wrong.status);
    expect(unknown.body).toEqual(wrong.body);
    expect([...unknown.headers.keys()]).toEqual([...wrong.headers.keys()]);
    expect(hive.events.filter(({ type }) => type === 'sign_in.failed')).toMatchObject([
      { userId },
      { userId: undefined },
    ]);
  });

  test('cannot be chosen by who was not invited', async () => {
    const input = { email: 'eve@hive.example', password, name: 'Eve' };
    for (const path of ['/sign-up/email', '/request-password-reset', '/change-email', '/set-password'])
      expect((await hive.browser().post(path, input)).status).toBe(404);
  });

  test('is changed with the old one, and all other devices sign in anew', async () => {
    const browser = await signedIn();
    const other = await signedIn();
    const refused = await browser.post('/change-password', {
      currentPassword: 'not the password',
      newPassword: 'a new long password',
    });
    expect(refused.status).toBe(400);
    const short = await browser.post('/change-password', { currentPassword: password, newPassword: 'short' });
    expect(short.body.code).toBe('PASSWORD_REFUSED');
    const changed = await browser.post('/change-password', {
      currentPassword: password,
      newPassword: 'a new long password',
    });
    expect(changed.status).toBe(200);
    expect(await findSession(other)).toBeUndefined();
    expect(await findSession(browser)).toMatchObject({ userId });
    const restored = await browser.post('/change-password', {
      currentPassword: 'a new long password',
      newPassword: password,
    });
    expect(restored.status).toBe(200);
  });
});

describe('the session cookie', () => {
  test('is for http only, of this site only, and marked secure on https', async () => {
    const plain = await signedIn();
    expect(plain.setCookies).toHaveLength(1);
    expect(plain.setCookies[0]).toMatch(
      /^hive\.session_token=.+; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/,
    );
    const browser = hive.browser();
    const answer = await browser.post(
      '/sign-in/email',
      { email, password },
      { 'x-forwarded-proto': 'https', 'x-forwarded-host': 'hive.example', origin: 'https://hive.example' },
    );
    expect(answer.status).toBe(200);
    expect(browser.setCookies[0]).toMatch(
      /^__Host-hive\.session_token=.+; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
    );
    expect(await hive.identity.findSession(browser.cookie, 'https://hive.example')).toMatchObject({ userId });
    expect(await hive.identity.findSession(browser.cookie, hive.baseUrl)).toBeUndefined();
  });

  test('is of no use when its signature is not ours', async () => {
    const browser = await signedIn();
    const [name, value] = browser.cookie.split('=') as [string, string];
    const [token] = decodeURIComponent(value).split('.');
    for (const forged of [token!, `${token}.`, `${token}.${'A'.repeat(43)}=`, `${value.slice(0, -6)}AAAA%3D`])
      expect(
        await hive.identity.findSession(`${name}=${encodeURIComponent(forged)}`, hive.baseUrl),
      ).toBeUndefined();
    expect(await hive.identity.findSession(`other=1; ${browser.cookie}; x=y`, hive.baseUrl)).toMatchObject({
      userId,
    });
  });

  test('ends when it is signed out, and when its time is over', async () => {
    const browser = await signedIn();
    const cookie = browser.cookie;
    expect((await browser.post('/sign-out')).status).toBe(200);
    expect(await hive.identity.findSession(cookie, hive.baseUrl)).toBeUndefined();
    expect(hive.events.at(-1)).toMatchObject({ type: 'sign_out', userId });
    const late = await signedIn();
    const { id } = (await findSession(late))!;
    expect(await hive.identity.findSessions([id])).toHaveLength(1);
    await hive.database.pool.query(`update identity.session set expires_at = now() where id = $1`, [id]);
    expect(await findSession(late)).toBeUndefined();
    expect(await hive.identity.findSessions([id])).toEqual([]);
    expect((await late.get('/hive/sessions')).status).toBe(401);
  });
});

describe('the list of devices', () => {
  test('shows each session, and ends one or all others', async () => {
    const [here, there, elsewhere] = [await signedIn(), await signedIn(), await signedIn()];
    const listed = (await here.get('/hive/sessions')).body;
    const current = listed.filter((session: { current: boolean }) => session.current);
    expect(current).toMatchObject([{ method: 'PASSWORD', address: expect.stringMatching(/^203\.0\./) }]);
    expect(JSON.stringify(listed)).not.toContain('token');
    const { id } = (await findSession(there))!;
    expect((await here.post('/hive/sessions/revoke', { id })).body).toEqual({ revoked: 1 });
    expect(await findSession(there)).toBeUndefined();
    expect((await here.post('/hive/sessions/revoke', { id })).status).toBe(404);
    expect((await here.post('/hive/sessions/revoke-others')).body.revoked).toBeGreaterThan(0);
    expect(await findSession(elsewhere)).toBeUndefined();
    expect(await findSession(owner)).toBeUndefined();
    expect(await findSession(here)).toMatchObject({ userId });
  });

  test("knows nothing of somebody else's sessions", async () => {
    const member = hive.browser();
    const input = { token: await hive.invite(), name: 'Bob', email: 'bob@hive.example', password };
    expect((await member.post('/hive/invitation/accept', input)).status).toBe(200);
    const mine = await signedIn();
    const { id } = (await findSession(mine))!;
    expect((await member.post('/hive/sessions/revoke', { id })).status).toBe(404);
    expect(await findSession(mine)).toMatchObject({ userId });
    expect(await hive.identity.revokeSessionsOf(userId)).toBeGreaterThan(0);
    expect(await findSession(mine)).toBeUndefined();
    expect(await findSession(member)).toBeDefined();
  });
});

describe('a recovery code', () => {
  test('signs in once, and lets a new password be set', async () => {
    const browser = hive.browser();
    const code = recoveryCodes[0]!.toLowerCase().replaceAll('-', ' ');
    const answer = await browser.post('/hive/recover', { email, code });
    expect(answer.body).toEqual({ recovered: true, codesLeft: 9 });
    expect(hive.events.at(-1)).toMatchObject({ type: 'recovery.used', userId, detail: { codesLeft: 9 } });
    expect((await browser.post('/hive/password', { password: 'set by recovery' })).status).toBe(200);
    expect((await browser.post('/hive/password', { password })).status).toBe(200);
    const again = await hive.browser().post('/hive/recover', { email, code });
    expect(again.status).toBe(401);
  });

  test('that is wrong is answered like an address nobody has', async () => {
    const code = 'AAAA-AAAA-AAAA-AAAA';
    const wrong = await hive.browser().post('/hive/recover', { email, code });
    const unknown = await hive.browser().post('/hive/recover', { email: 'nobody@hive.example', code });
    expect(unknown).toMatchObject({ status: wrong.status, body: wrong.body });
  });

  test('is good for one of many who try it at once', async () => {
    const tries = await Promise.all(
      Array.from({ length: 5 }, () =>
        hive.browser().post('/hive/recover', { email, code: recoveryCodes[1]! }),
      ),
    );
    expect(tries.filter(({ status }) => status === 200)).toHaveLength(1);
  });

  test('is void when there are new ones', async () => {
    const browser = await signedIn();
    const renewed = await browser.post('/hive/recovery-codes');
    expect(renewed.body.recoveryCodes).toHaveLength(10);
    const old = await hive.browser().post('/hive/recover', { email, code: recoveryCodes[2]! });
    expect(old.status).toBe(401);
    const code = renewed.body.recoveryCodes[9];
    expect((await hive.browser().post('/hive/recover', { email, code })).status).toBe(200);
  });
});

describe('two-factor sign-in', () => {
  const person = 'tess@hive.example';
  let browser: Browser;
  let code: (steps?: number) => string;
  let backupCodes: string[];

  /** As if the time step of a code had not been used yet: the tests do not wait half a minute. */
  const forgetUse = () => hive.database.pool.query('delete from identity.totp_use');

  test('is enabled with the password and a first code', async () => {
    browser = hive.browser();
    const input = { token: await hive.invite(), name: 'Tess', email: person, password };
    expect((await browser.post('/hive/invitation/accept', input)).status).toBe(200);
    const refused = await browser.post('/two-factor/enable', { password: 'not the password' });
    expect(refused.status).toBe(400);
    const enabled = await browser.post('/two-factor/enable', { password });
    code = readTotpUri(enabled.body.totpURI);
    ({ backupCodes } = enabled.body);
    expect(
      (await hive.browser().post('/sign-in/email', { email: person, password })).body.user,
    ).toBeDefined();
    expect((await browser.post('/two-factor/verify-totp', { code: '000000' })).status).toBe(401);
    expect((await browser.post('/two-factor/verify-totp', { code: code() })).status).toBe(200);
    expect(hive.events.at(-1)).toMatchObject({ type: 'two_factor.enabled' });
    expect((await findSession(browser))!.steppedUpAt).toBeGreaterThan(Date.now() - 60_000);
  });

  test('asks for a code after the password, takes it once, and counts as a step-up', async () => {
    await forgetUse();
    const device = hive.browser();
    const first = await device.post('/sign-in/email', { email: person, password });
    expect(first.body).toMatchObject({ twoFactorRedirect: true, twoFactorMethods: ['totp'] });
    expect(await findSession(device)).toBeUndefined();
    const given = code();
    expect((await device.post('/two-factor/verify-totp', { code: '000000' })).status).toBe(401);
    expect(hive.events.at(-1)).toMatchObject({ type: 'sign_in.failed', method: 'TOTP' });
    expect((await device.post('/two-factor/verify-totp', { code: given })).status).toBe(200);
    expect(await findSession(device)).toMatchObject({ steppedUpAt: expect.any(Number) });
    expect(hive.events.at(-1)).toMatchObject({ type: 'sign_in.succeeded', method: 'PASSWORD' });
    const replay = hive.browser();
    await replay.post('/sign-in/email', { email: person, password });
    expect((await replay.post('/two-factor/verify-totp', { code: given })).status).toBe(401);
    expect(device.cookieNames).toEqual(['hive.session_token']);
  });

  test("tells scripts nothing of the session's token", async () => {
    await forgetUse();
    const device = hive.browser();
    expect((await device.get('/get-session')).body).toBeNull();
    await device.post('/sign-in/email', { email: person, password });
    const answer = await device.post('/two-factor/verify-totp', { code: code() });
    const session = (await device.get('/get-session')).body;
    expect(session).toMatchObject({ user: { email: person } });
    const token = decodeURIComponent(device.cookie).split('=')[1]!.split('.')[0]!;
    expect(JSON.stringify([answer.body, session])).not.toContain(token);
  });

  test('trusts no device beyond its session', async () => {
    await forgetUse();
    const device = hive.browser();
    await device.post('/sign-in/email', { email: person, password });
    await device.post('/two-factor/verify-totp', { code: code(), trustDevice: true });
    await device.post('/sign-out');
    const again = await device.post('/sign-in/email', { email: person, password });
    expect(again.body.twoFactorRedirect).toBe(true);
  });

  test('takes a backup code in its stead, once', async () => {
    const device = hive.browser();
    await device.post('/sign-in/email', { email: person, password });
    const used = await device.post('/two-factor/verify-backup-code', { code: backupCodes[0] });
    expect(used.status).toBe(200);
    expect(await findSession(device)).not.toHaveProperty('steppedUpAt');
    const other = hive.browser();
    await other.post('/sign-in/email', { email: person, password });
    const again = await other.post('/two-factor/verify-backup-code', { code: backupCodes[0] });
    expect(again.status).toBe(401);
  });

  test('cannot be switched off by a session that did not prove it', async () => {
    const { id } = (await findSession(browser))!;
    await hive.database.pool.query(
      `update identity.session set stepped_up_at = now() - interval '6 minutes', proven_at = now() - interval '6 minutes',
        method = 'PASSWORD' where id = $1`,
      [id],
    );
    const refused = await browser.post('/two-factor/disable', { password });
    expect(refused).toMatchObject({ status: 403, body: { code: 'STEP_UP_REQUIRED' } });
    expect((await browser.post('/hive/recovery-codes')).body.code).toBe('STEP_UP_REQUIRED');
    expect((await browser.post('/hive/confirm', { password })).body.code).toBe('STEP_UP_REQUIRED');
    await forgetUse();
    const failed = await browser.post('/hive/step-up/totp', { code: '000000' });
    expect(failed).toMatchObject({ status: 401, body: { code: 'STEP_UP_FAILED' } });
    const stepped = await browser.post('/hive/step-up/totp', { code: code() });
    expect(Date.parse(stepped.body.steppedUpUntil) - Date.now()).toBeGreaterThan(290_000);
    expect((await browser.post('/hive/step-up/totp', { code: code() })).status).toBe(401);
    expect(hive.events.slice(-2).map(({ type }) => type)).toEqual(['step_up.succeeded', 'step_up.failed']);
    expect((await browser.post('/two-factor/disable', { password })).status).toBe(200);
    expect(hive.events.at(-1)).toMatchObject({ type: 'two_factor.disabled' });
    const plain = await hive.browser().post('/sign-in/email', { email: person, password });
    expect(plain.body.twoFactorRedirect).toBeUndefined();
  });
});

test('a person can be exported whole, without secrets, and erased', async () => {
  const person = 'zoe@hive.example';
  const browser = hive.browser();
  const input = { token: await hive.invite(), name: 'Zoe', email: person, password };
  const { body } = await browser.post('/hive/invitation/accept', input);
  const { id } = body.user;
  const exported = (await hive.identity.exportPerson(id)) as Record<string, unknown>;
  expect(exported).toMatchObject({
    name: 'Zoe',
    email: person,
    accounts: [{ provider: 'credential' }],
    sessions: [{ method: 'INVITATION', address: expect.stringMatching(/^203\.0\./) }],
    recoveryCodes: { left: 10 },
  });
  expect(JSON.stringify(exported)).not.toMatch(/scrypt|hash|token|secret/i);
  await hive.identity.erasePerson(id);
  expect(await findSession(browser)).toBeUndefined();
  expect(await hive.identity.findPeople([id])).toEqual([
    { id, name: `Former member ${id.slice(-6)}`, email: `${id}@erased.invalid`, erased: true },
  ]);
  expect((await browser.post('/sign-in/email', { email: person, password })).status).toBe(401);
  const code = body.recoveryCodes[0];
  expect((await browser.post('/hive/recover', { email: `${id}@erased.invalid`, code })).status).toBe(401);
  expect(JSON.stringify(await hive.identity.exportPerson(id))).not.toMatch(/zoe/i);
  await expect(hive.identity.erasePerson(crypto.randomUUID())).rejects.toThrow('No Person');
});

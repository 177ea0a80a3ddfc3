import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { password, startIdentity, type TestHive } from './identity-server.ts';
import { SoftwareAuthenticator } from './software-authenticator.ts';
import type { Browser } from './browser.ts';

let hive: TestHive;
let owner: Browser;
let userId: string;
const device = new SoftwareAuthenticator();
const email = 'ada@hive.example';
beforeAll(async () => {
  hive = await startIdentity();
});
afterAll(() => hive.stop());

const findSession = (browser: Browser) => hive.identity.findSession(browser.cookie, browser.origin);

async function register(browser: Browser, authenticator: SoftwareAuthenticator, name = 'Laptop') {
  const options = await browser.get('/passkey/generate-register-options');
  if (options.status !== 200) return options;
  const response = authenticator.create(options.body, browser.origin);
  return browser.post('/passkey/verify-registration', { response, name });
}

async function signIn(authenticator: SoftwareAuthenticator): Promise<Browser> {
  const browser = hive.browser();
  const options = await browser.get('/passkey/generate-authenticate-options');
  const response = authenticator.get(options.body, browser.origin);
  expect((await browser.post('/passkey/verify-authentication', { response })).status).toBe(200);
  return browser;
}

/** As if the session were an old one. */
const age = async (browser: Browser) =>
  hive.database.pool.query(
    `update identity.session set stepped_up_at = stepped_up_at - interval '6 minutes',
      proven_at = proven_at - interval '11 minutes' where id = $1`,
    [(await findSession(browser))!.id],
  );

describe('setting up with a passkey', () => {
  test('keeps the link good until there is one', async () => {
    const { url } = await hive.identity.createSetupLink(hive.baseUrl);
    const token = url.split('#token=')[1];
    const input = { token, name: 'Ada', email };
    const lost = hive.browser();
    const first = await lost.post('/hive/setup', input);
    expect(first.status).toBe(200);
    expect((await lost.post('/hive/setup/finish')).body).toEqual({ finished: false });
    owner = hive.browser();
    const second = await owner.post('/hive/setup', input);
    expect(second.body.user).toEqual(first.body.user);
    userId = second.body.user.id;
    const options = await owner.get('/passkey/generate-register-options');
    expect(options.body).toMatchObject({
      rp: { id: 'localhost' },
      authenticatorSelection: { userVerification: 'required', residentKey: 'required' },
    });
    expect((await register(owner, device)).status).toBe(200);
    const added = hive.events.at(-1);
    expect(added).toMatchObject({ type: 'passkey.added', userId });
    // The trail outlives the person: what they called it stays with the passkey.
    expect(JSON.stringify(added)).not.toContain('Laptop');
    expect((await hive.browser().post('/hive/setup', input)).body.code).toBe('INVALID_TOKEN');
    const owners = await hive.database.pool.query(`select user_id from membership where role = 'OWNER'`);
    expect(owners.rows).toEqual([{ user_id: userId }]);
  });
});

describe('a passkey', () => {
  test('signs in without a name, and counts as a step-up', async () => {
    const browser = await signIn(device);
    expect(await findSession(browser)).toMatchObject({ userId, steppedUpAt: expect.any(Number) });
    expect(hive.events.at(-1)).toMatchObject({ type: 'sign_in.succeeded', method: 'PASSKEY', userId });
  });

  test('is refused when the authenticator did not look who is there', async () => {
    const browser = hive.browser();
    const options = await browser.get('/passkey/generate-authenticate-options');
    device.verifiesUser = false;
    const response = device.get(options.body, browser.origin);
    device.verifiesUser = true;
    const answer = await browser.post('/passkey/verify-authentication', { response });
    expect(answer).toMatchObject({ status: 401, body: { code: 'USER_NOT_VERIFIED' } });
    expect(hive.events.at(-1)).toMatchObject({ type: 'sign_in.failed', method: 'PASSKEY' });
  });

  test('is refused for another origin, another challenge, and a second time', async () => {
    const browser = hive.browser();
    const options = (await browser.get('/passkey/generate-authenticate-options')).body;
    const elsewhere = device.get(options, 'http://evil.localhost');
    expect((await browser.post('/passkey/verify-authentication', { response: elsewhere })).status).toBe(400);
    const used = (await browser.get('/passkey/generate-authenticate-options')).body;
    const old = device.get(options, browser.origin);
    expect((await browser.post('/passkey/verify-authentication', { response: old })).status).toBe(400);
    const fresh = (await browser.get('/passkey/generate-authenticate-options')).body;
    expect(fresh.challenge).not.toBe(used.challenge);
    const response = device.get(fresh, browser.origin);
    expect((await browser.post('/passkey/verify-authentication', { response })).status).toBe(200);
    const replayed = hive.browser();
    expect((await replayed.post('/passkey/verify-authentication', { response })).status).toBe(400);
  });

  test('belongs to the name the hive is reached under', async () => {
    const other = hive.browser(`hive.localhost:${hive.port}`);
    const options = (await other.get('/passkey/generate-authenticate-options')).body;
    expect(options.rpId).toBe('hive.localhost');
    expect(() => device.get(options, other.origin)).toThrow('No passkey');
  });

  test('steps an open session up, for five minutes, with the challenge of that session only', async () => {
    const browser = await signIn(device);
    await age(browser);
    const before = (await findSession(browser))!.steppedUpAt!;
    const options = (await browser.post('/hive/step-up/options')).body;
    // First, for its counter must not be ahead of the answer that follows.
    const thief = await signIn(device);
    const response = device.get(options, browser.origin);
    expect((await thief.post('/hive/step-up/passkey', { response })).status).toBe(401);
    const answer = await browser.post('/hive/step-up/passkey', { response });
    expect(answer.status).toBe(200);
    const { steppedUpAt } = (await findSession(browser))!;
    expect(steppedUpAt).toBeGreaterThan(before);
    expect(Date.parse(answer.body.steppedUpUntil)).toBe(Math.floor(steppedUpAt!) + 300_000);
    expect((await browser.post('/hive/step-up/passkey', { response })).status).toBe(401);
    expect(hive.events.at(-1)).toMatchObject({ type: 'step_up.failed', method: 'PASSKEY', userId });
  });

  test("does not step up somebody else's session", async () => {
    const member = hive.browser();
    const input = { token: await hive.invite(), name: 'Bob', email: 'bob@hive.example', password };
    await member.post('/hive/invitation/accept', input);
    expect((await member.post('/hive/step-up/options')).body.code).toBe('NO_PASSKEY');
    const own = new SoftwareAuthenticator();
    expect((await register(member, own)).status).toBe(200);
    const options = (await member.post('/hive/step-up/options')).body;
    const response = device.get({ ...options, allowCredentials: undefined }, member.origin);
    expect((await member.post('/hive/step-up/passkey', { response })).status).toBe(401);
  });

  test('is neither added nor removed by an old session alone', async () => {
    const browser = await signIn(device);
    await age(browser);
    const second = new SoftwareAuthenticator();
    expect((await register(browser, second)).body.code).toBe('STEP_UP_REQUIRED');
    const enabling = await browser.post('/two-factor/enable', {});
    expect(enabling.body.code).toBe('STEP_UP_REQUIRED');
    expect((await browser.post('/hive/password', { password })).body.code).toBe('STEP_UP_REQUIRED');
    const fresh = await signIn(device);
    expect((await register(fresh, second, 'Phone')).status).toBe(200);
    const listed = (await fresh.get('/passkey/list-user-passkeys')).body;
    expect(listed.map(({ name }: { name: string }) => name)).toEqual(['Laptop', 'Phone']);
    const { id } = listed[1];
    expect((await browser.post('/passkey/delete-passkey', { id })).body.code).toBe('STEP_UP_REQUIRED');
    expect((await fresh.post('/passkey/delete-passkey', { id })).status).toBe(200);
    expect(hive.events.at(-1)).toMatchObject({ type: 'passkey.removed', detail: { passkeyId: id } });
    const last = await fresh.post('/passkey/delete-passkey', { id: listed[0].id });
    expect(last).toMatchObject({ status: 409, body: { code: 'LAST_CREDENTIAL' } });
  });

  test('is replaced by who lost it and has a recovery code', async () => {
    const fresh = await signIn(device);
    const { recoveryCodes } = (await fresh.post('/hive/recovery-codes')).body;
    const browser = hive.browser();
    expect((await browser.post('/hive/recover', { email, code: recoveryCodes[0] })).status).toBe(200);
    expect((await findSession(browser))!.steppedUpAt).toBeUndefined();
    const next = new SoftwareAuthenticator();
    expect((await register(browser, next, 'New')).status).toBe(200);
    expect(await findSession(await signIn(next))).toMatchObject({ userId });
  });

  test('is added on a paired device when the first one has just stepped up', async () => {
    const laptop = await signIn(device);
    const { token } = (await laptop.post('/hive/pair/start')).body;
    const phone = hive.browser();
    await phone.post('/hive/pair/claim', { token });
    // What is dangerous asks for the passkey here, too: the link may have been photographed.
    expect(await findSession(phone)).not.toHaveProperty('steppedUpAt');
    expect((await register(phone, new SoftwareAuthenticator(), 'Phone')).status).toBe(200);
    await age(laptop);
    const later = (await laptop.post('/hive/pair/start')).body.token;
    const other = hive.browser();
    await other.post('/hive/pair/claim', { token: later });
    expect((await register(other, new SoftwareAuthenticator())).body.code).toBe('STEP_UP_REQUIRED');
  });
});

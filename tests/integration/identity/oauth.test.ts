import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startOpenIdDouble } from './openid-double.ts';
import { password, startIdentity, type TestHive } from './identity-server.ts';
import type { Browser } from './browser.ts';

const client = { clientId: 'hive', clientSecret: 'between us' };
let provider: Awaited<ReturnType<typeof startOpenIdDouble>>;
let hive: TestHive;
let userId: string;
beforeAll(async () => {
  provider = await startOpenIdDouble(client);
  hive = await startIdentity({ oauth: { oidc: { ...client, issuer: provider.issuer, name: 'Our login' } } });
  ({ userId } = await hive.setUp('ada@hive.example'));
});
afterAll(async () => {
  await hive.stop();
  await provider.stop();
});

const ada = { sub: 'a1', email: 'Ada@hive.example', email_verified: true, name: 'Ada' };

/** Through the provider's page and back. @returns where the hive sends the browser then */
async function through(browser: Browser, path = '/sign-in/social', extra: object = {}): Promise<string> {
  const started = await browser.post(path, { provider: 'oidc', callbackURL: '/now', ...extra });
  expect(started.body).toMatchObject({ redirect: true, url: expect.stringContaining(provider.issuer) });
  const atProvider = await fetch(started.body.url, { redirect: 'manual' });
  const back = atProvider.headers.get('location')!;
  expect(back).toContain(`${hive.baseUrl}/api/auth/callback/oidc?`);
  const returned = await browser.get(back, { 'sec-fetch-site': 'cross-site' });
  expect(returned.status).toBe(302);
  return returned.headers.get('location')!;
}

const findSession = (browser: Browser) => hive.identity.findSession(browser.cookie, browser.origin);

describe('signing in with another provider', () => {
  test('is offered by its name', async () => {
    const { methods } = (await hive.browser().get('/hive/status')).body;
    expect(methods).toMatchObject({ oidc: 'Our login', github: false, google: false });
  });

  test('lets the member in who has the same address, verified on both sides', async () => {
    provider.be(ada);
    const browser = hive.browser();
    expect(await through(browser)).toBe('/now');
    expect(await findSession(browser)).toMatchObject({ userId });
    expect(hive.events.slice(-2)).toMatchObject([
      { type: 'account.linked', userId, detail: { provider: 'oidc' } },
      { type: 'sign_in.succeeded', userId, method: 'OAUTH:oidc' },
    ]);
    const { rows } = await hive.database.pool.query(
      `select access_token, refresh_token, id_token from identity.account where provider_id = 'oidc'`,
    );
    expect(rows).toEqual([
      {
        access_token: expect.stringMatching(/^\$ba\$1\$/),
        refresh_token: expect.stringMatching(/^\$ba\$1\$/),
        id_token: null,
      },
    ]);
  });

  test('knows the linked account again, whatever its address is by now', async () => {
    provider.be({ ...ada, email: 'lovelace@elsewhere.example' });
    const browser = hive.browser();
    expect(await through(browser)).toBe('/now');
    expect(await findSession(browser)).toMatchObject({ userId });
  });

  test('makes nobody a member', async () => {
    provider.be({ sub: 'e1', email: 'eve@hive.example', email_verified: true, name: 'Eve' });
    const browser = hive.browser();
    expect(await through(browser)).toBe('/sign-in?problem=not-a-member');
    expect(await through(browser, '/sign-in/social', { requestSignUp: true })).toBe(
      '/sign-in?problem=not-a-member',
    );
    const forged = { additionalData: { invitation: 'A'.repeat(43) }, requestSignUp: true };
    expect(await through(browser, '/sign-in/social', forged)).toBe('/sign-in?problem=not-a-member');
    expect(await findSession(browser)).toBeUndefined();
    const { rows } = await hive.database.pool.query(`select email from identity."user"`);
    expect(rows).toEqual([{ email: 'ada@hive.example' }]);
  });

  test('is no way into an account by an address that nobody verified', async () => {
    provider.be({ sub: 'e2', email: 'ada@hive.example', email_verified: false, name: 'Eve' });
    expect(await through(hive.browser())).toBe('/sign-in?problem=not-a-member');
    const guest = hive.browser();
    const input = { token: await hive.invite(), name: 'Mallory', email: 'victim@hive.example', password };
    await guest.post('/hive/invitation/accept', input);
    provider.be({ sub: 'v1', email: 'victim@hive.example', email_verified: true, name: 'Victim' });
    expect(await through(hive.browser())).toBe('/sign-in?problem=not-a-member');
  });

  test('refuses a provider whose statement is not signed by it', async () => {
    provider.be(ada);
    provider.forgeSignatures(true);
    const browser = hive.browser();
    expect(await through(browser)).toBe('/sign-in?problem=provider');
    provider.forgeSignatures(false);
    expect(await findSession(browser)).toBeUndefined();
  });

  test("cannot be finished in another browser, nor with a provider's token sent by hand", async () => {
    provider.be(ada);
    const started = await hive.browser().post('/sign-in/social', { provider: 'oidc', callbackURL: '/' });
    const atProvider = await fetch(started.body.url, { redirect: 'manual' });
    const victim = hive.browser();
    const returned = await victim.get(atProvider.headers.get('location')!);
    expect(returned.headers.get('location')).toBe('/sign-in?problem=provider');
    expect(await findSession(victim)).toBeUndefined();
    const byHand = await victim.post('/sign-in/social', { provider: 'oidc', idToken: { token: 'x.y.z' } });
    expect(byHand.status).toBe(400);
  });

  test('sends nobody to another site afterwards', async () => {
    for (const field of ['callbackURL', 'errorCallbackURL']) {
      const body = { provider: 'oidc', [field]: 'https://evil.example/' };
      expect((await hive.browser().post('/sign-in/social', body)).status).toBe(403);
    }
  });
});

describe('an invitation', () => {
  test('can be accepted with an account elsewhere, once', async () => {
    const invitation = await hive.invite();
    provider.be({ sub: 'b1', email: 'bob@hive.example', email_verified: true, name: 'Bob' });
    const bob = hive.browser();
    expect(await through(bob, '/sign-in/social', { additionalData: { invitation } })).toBe('/now');
    const session = (await findSession(bob))!;
    expect(await hive.options.members.isMember(session.userId)).toBe(true);
    expect(await hive.identity.findPeople([session.userId])).toMatchObject([{ email: 'bob@hive.example' }]);
    provider.be({ sub: 'c1', email: 'cleo@hive.example', email_verified: true, name: 'Cleo' });
    expect(await through(hive.browser(), '/sign-in/social', { additionalData: { invitation } })).toBe(
      '/sign-in?problem=not-a-member',
    );
    const stored = await hive.database.pool.query(`select value from identity.verification`);
    expect(JSON.stringify(stored.rows)).not.toContain(invitation);
  });

  test('that somebody else takes meanwhile leaves no account behind', async () => {
    const invitation = await hive.invite();
    provider.be({ sub: 'd1', email: 'dan@hive.example', email_verified: true, name: 'Dan' });
    const dan = hive.browser();
    const body = { provider: 'oidc', callbackURL: '/', additionalData: { invitation } };
    const started = await dan.post('/sign-in/social', body);
    const input = { token: invitation, name: 'Fay', email: 'fay@hive.example', password };
    expect((await hive.browser().post('/hive/invitation/accept', input)).status).toBe(200);
    const atProvider = await fetch(started.body.url, { redirect: 'manual' });
    const returned = await dan.get(atProvider.headers.get('location')!);
    expect(returned.headers.get('location')).toBe('/sign-in?problem=not-a-member');
    const { rows } = await hive.database.pool.query(
      `select id from identity."user" where email = 'dan@hive.example'`,
    );
    expect(rows).toEqual([]);
  });
});

test('a member links an account in the settings, and unlinks it', async () => {
  const browser = hive.browser();
  const input = { token: await hive.invite(), name: 'Gus', email: 'gus@hive.example', password };
  const { body } = await browser.post('/hive/invitation/accept', input);
  provider.be({ sub: 'g1', email: 'gus@elsewhere.example', email_verified: true, name: 'Gus' });
  expect(await through(browser, '/link-social')).toBe('/now');
  const other = hive.browser();
  expect(await through(other)).toBe('/now');
  expect(await findSession(other)).toMatchObject({ userId: body.user.id });
  const accounts = (await browser.get('/list-accounts')).body;
  expect(accounts.map(({ providerId }: { providerId: string }) => providerId).sort()).toEqual([
    'credential',
    'oidc',
  ]);
  expect(JSON.stringify(accounts)).not.toMatch(/token|scrypt/i);
  const { id } = accounts.find(({ providerId }: { providerId: string }) => providerId === 'oidc');
  expect((await browser.post('/unlink-account', { accountId: id })).status).toBe(200);
  expect(hive.events.at(-1)).toMatchObject({ type: 'account.unlinked', detail: { accountId: id } });
  const [last] = (await browser.get('/list-accounts')).body;
  const refused = await browser.post('/unlink-account', { accountId: last.id });
  expect(refused).toMatchObject({ status: 409, body: { code: 'LAST_CREDENTIAL' } });
  expect(await through(hive.browser())).toBe('/sign-in?problem=not-a-member');
});

test('linking that was begun before somebody was erased leaves nothing of them', async () => {
  const browser = hive.browser();
  const account = { name: 'Gone', email: 'gone@hive.example', password };
  const token = await hive.invite();
  const joined = await browser.post('/hive/invitation/accept', { token, ...account });
  provider.be({ sub: 'g1', email: 'gone@elsewhere.example', email_verified: true, name: 'Gone' });
  const started = await browser.post('/link-social', { provider: 'oidc', callbackURL: '/now' });
  const atProvider = await fetch(started.body.url, { redirect: 'manual' });
  await hive.identity.erasePerson(joined.body.user.id);
  const back = atProvider.headers.get('location')!;
  expect((await browser.get(back, { 'sec-fetch-site': 'cross-site' })).status).toBeLessThan(500);
  const left = await hive.database.pool.query('select 1 from identity.account where user_id = $1', [
    joined.body.user.id,
  ]);
  expect(left.rows).toEqual([]);
  expect(await through(hive.browser())).toBe('/sign-in?problem=not-a-member');
});

test('a provider that is away takes nothing else with it', async () => {
  await hive.restart({
    oauth: { oidc: { ...client, issuer: 'http://127.0.0.1:9', name: 'Away' } },
  });
  const browser = hive.browser();
  expect((await browser.post('/sign-in/email', { email: 'ada@hive.example', password })).status).toBe(200);
  const answer = await browser.post('/sign-in/social', { provider: 'oidc', callbackURL: '/' });
  expect(answer.status).toBe(404);
});

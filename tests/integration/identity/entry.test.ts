import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TokenBuckets } from '../../../server/src/engines/security/rate-limit.ts';
import { attemptLimits } from '../../../server/src/identity/identity-options.ts';
import type { Browser } from './browser.ts';
import { password, startIdentity, type TestHive } from './identity-server.ts';

const email = 'ada@hive.example';
let now = Date.now();
let hive: TestHive;
beforeAll(async () => {
  const buckets = new TokenBuckets({ clock: { now: () => now } });
  hive = await startIdentity({
    throttle: async (bucket, key) => buckets.take(bucket, key, attemptLimits[bucket]),
  });
  await hive.setUp(email);
});
afterAll(() => hive.stop());

describe('what other pages send', () => {
  const credentials = JSON.stringify({ email, password });

  test('is refused by its origin, with and without a cookie', async () => {
    const browser = hive.browser();
    await browser.post('/sign-in/email', { email, password });
    for (const origin of ['https://evil.example', 'null', `${hive.baseUrl}.evil.example`])
      for (const one of [browser, hive.browser()]) {
        const answer = await one.post('/hive/sessions/revoke-others', {}, { origin });
        expect(answer, origin).toMatchObject({ status: 403, body: { code: 'INVALID_ORIGIN' } });
      }
    const read = await browser.get('/hive/sessions', { origin: 'https://evil.example' });
    expect(read.status).toBe(403);
    expect(read.headers.get('access-control-allow-origin')).toBeNull();
  });

  test('is refused by what the browser says of it', async () => {
    const answer = await hive
      .browser()
      .post('/sign-in/email', { email, password }, { 'sec-fetch-site': 'cross-site' });
    expect(answer).toMatchObject({ status: 403, body: { code: 'CROSS_SITE' } });
  });

  test('is refused with a cookie and no origin', async () => {
    const browser = hive.browser();
    await browser.post('/sign-in/email', { email, password });
    const answer = await browser.send('POST', '/sign-out', {});
    expect(answer.status).toBe(403);
    expect(await hive.identity.findSession(browser.cookie, hive.baseUrl)).toBeDefined();
  });

  test('is refused as a form or as text', async () => {
    for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data']) {
      const headers = { 'content-type': type, origin: hive.baseUrl };
      const answer = await hive.browser().send('POST', '/sign-in/email', { body: credentials, headers });
      expect(answer, type).toMatchObject({ status: 415, body: { code: 'UNSUPPORTED_MEDIA_TYPE' } });
    }
  });
});

describe('text that the database cannot keep', () => {
  test.each([
    ['/hive/setup', { token: 'x', name: 'A\0b', email, password }],
    ['/hive/recover', { email: 'a\0@hive.example', code: 'x' }],
    ['/sign-in/email', { email, password: 'x\ud800' }],
    ['/hive/pair/claim', { token: 'x', deviceName: 'Phone\0' }],
    ['/update-user', { deeper: [{ name: '"\\\0"' }] }],
  ])('is refused by %s before anything is looked up', async (path, body) => {
    const answer = await hive.browser().post(path, body);
    expect(answer).toMatchObject({ status: 400, body: { code: 'VALIDATION' } });
  });

  test('is refused in an address, and told from text that only looks like it', async () => {
    const asked = await hive.browser().get('/callback/github?code=x&state=a%00');
    expect(asked).toMatchObject({ status: 400, body: { code: 'VALIDATION' } });
    const answer = await hive
      .browser()
      .post('/sign-in/email', { email, password: '\\u0000 \u00e9 \ud83d\udc1d' });
    expect(answer.status).toBe(401);
  });

  test('nor ids it cannot compare', async () => {
    const browser = hive.browser();
    await browser.post('/sign-in/email', { email, password });
    for (const path of ['/passkey/update-passkey', '/passkey/delete-passkey'])
      expect((await browser.post(path, { id: 'abc', name: 'x' })).status, path).toBeLessThan(500);
  });
});

describe('what is reachable', () => {
  test('is a list: the rest of the library is not there', async () => {
    const browser = hive.browser();
    await browser.post('/sign-in/email', { email, password });
    const paths = ['/list-sessions', '/token', '/ok', '/error', '/delete-user/callback', '/sign-in/email'];
    for (const path of paths) expect((await browser.get(path)).status, path).toBe(404);
    const posts = [
      '/update-session',
      '/revoke-sessions',
      '/delete-user',
      '/two-factor/get-totp-uri',
      '/sign-jwt',
    ];
    for (const path of posts) expect((await browser.post(path)).status, path).toBe(404);
    for (const path of ['/../hive/status', '/hive/status/', '//hive/status', '/%68ive/../token'])
      expect((await browser.get(path)).body, path).not.toHaveProperty('token');
  });

  test('is nothing over 64 KB, and nothing that is no JSON', async () => {
    const browser = hive.browser();
    const large = await browser.post('/sign-in/email', { email, password: 'x'.repeat(70_000) });
    expect(large).toMatchObject({ status: 413, body: { code: 'TOO_LARGE' } });
    const headers = { 'content-type': 'application/json', origin: hive.baseUrl };
    for (const body of ['{"email":', '[]', '"text"', 'null', '{"email":{"$ne":""},"password":[]}']) {
      const answer = await browser.send('POST', '/sign-in/email', { body, headers });
      expect(answer.status, body).toBe(400);
      expect(answer.body, body).toMatchObject({ code: expect.any(String), message: expect.any(String) });
    }
  });

  test('sends nobody elsewhere', async () => {
    const browser = hive.browser();
    const answer = await browser.post('/sign-in/email', {
      email,
      password,
      callbackURL: 'https://evil.example/',
    });
    expect(answer.status).toBe(403);
    expect(answer.headers.get('location')).toBeNull();
  });

  test('tells no cache to keep it', async () => {
    const answer = await hive.browser().get('/hive/status');
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff');
  });

  test('believes no header about who asks', async () => {
    const headers = { 'x-hive-local': 'yes', 'x-hive-address': '127.0.0.1' };
    const { body } = await hive.browser().get('/hive/status', headers);
    expect(body.local).toBe(false);
    expect((await hive.localBrowser().get('/hive/status')).body.local).toBe(true);
  });
});

test('what cannot be recorded does not happen', async () => {
  const { onEvent } = hive.options;
  await hive.restart({ onEvent: () => Promise.reject(new Error('the trail is full')) });
  const browser = hive.browser();
  const answer = await browser.post('/sign-in/email', { email, password });
  expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL' } });
  expect(JSON.stringify(answer.body)).not.toContain('trail');
  expect(browser.cookieNames).toEqual([]);
  await hive.restart({ onEvent });
});

describe('guessing', () => {
  const { 'identity.address': byAddress, 'identity.account': byAccount } = attemptLimits;
  const guess = (browser: Browser, path: string, body: unknown) => browser.post(path, body);

  test('ends after some tries at one account, from wherever, known or not', async () => {
    for (const address of [email, 'nobody@hive.example']) {
      now += 3_600_000;
      const body = { email: address, code: 'AAAA-AAAA-AAAA-AAAA' };
      for (let count = 0; count < byAccount.burst; count += 1)
        expect((await guess(hive.browser(), '/hive/recover', body)).status).toBe(401);
      const refused = await guess(hive.browser(), '/hive/recover', body);
      expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } });
      expect(refused.body.retryAfterMs).toBeGreaterThan(0);
      expect(Number(refused.headers.get('retry-after'))).toBe(Math.ceil(refused.body.retryAfterMs / 1_000));
      const signIn = await guess(hive.browser(), '/sign-in/email', { email: address, password });
      expect(signIn.status).toBe(429);
      now += refused.body.retryAfterMs;
      expect((await guess(hive.browser(), '/hive/recover', body)).status).toBe(401);
    }
    expect(hive.events.some(({ type }) => type === 'sign_in.throttled')).toBe(true);
  });

  test('ends after some tries from one address, at whatever', async () => {
    const token = 'A'.repeat(43);
    const tries: [string, unknown][] = [
      ['/hive/setup/check', { token }],
      ['/hive/setup', { token, name: 'Eve', email: 'eve@hive.example', password }],
      ['/hive/pair/claim', { token }],
      ['/hive/invitation/check', { token }],
      ['/hive/invitation/accept', { token }],
      ['/hive/service-token', {}],
      ['/two-factor/verify-totp', { code: '000000' }],
      ['/two-factor/verify-backup-code', { code: 'AAAAA-AAAAA' }],
    ];
    for (const [path, body] of tries) {
      now += 3_600_000;
      const browser = hive.browser();
      const statuses = [];
      for (let count = 0; count <= byAddress.burst; count += 1)
        statuses.push((await guess(browser, path, body)).status);
      expect(statuses.slice(0, -1), path).not.toContain(429);
      expect(statuses.at(-1), path).toBe(429);
    }
  });

  test('at a password of an open session ends, too', async () => {
    now += 3_600_000;
    const browser = hive.browser();
    await browser.post('/sign-in/email', { email, password });
    const statuses = [];
    for (let count = 0; count <= byAccount.burst; count += 1)
      statuses.push((await guess(browser, '/hive/confirm', { password: 'not the password' })).status);
    expect(statuses.at(-2)).toBe(401);
    expect(statuses.at(-1)).toBe(429);
  });
});

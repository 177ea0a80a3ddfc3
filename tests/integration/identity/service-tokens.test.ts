import { createHmac, createPublicKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { password, serviceIssuer, startIdentity, type TestHive } from './identity-server.ts';
import { readTotpUri } from './totp-app.ts';

let hive: TestHive;
let key: { secret: string; keyId: string };
beforeAll(async () => {
  hive = await startIdentity();
  await hive.setUp();
  key = await hive.apiKey();
});
afterAll(() => hive.stop());

const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const read = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split('.')[index]!, 'base64url').toString());
const verify = (token: string) => hive.identity.verifyServiceToken(token);

async function issue(): Promise<string> {
  const answer = await hive
    .browser()
    .post('/hive/service-token', {}, { authorization: `Bearer ${key.secret}` });
  expect(answer.status).toBe(200);
  return answer.body.token;
}

describe('a service token', () => {
  test('is had for an API key, and checks out against the published keys', async () => {
    const token = await issue();
    const { exp } = read(token, 1);
    expect(await verify(token)).toEqual({ keyId: key.keyId, expiresAt: exp * 1_000 });
    expect(exp * 1_000 - Date.now()).toBeLessThanOrEqual(15 * 60_000);
    expect(read(token, 1)).toMatchObject({ iss: serviceIssuer, aud: serviceIssuer, sub: key.keyId });
    const { body } = await hive.browser().get('/jwks');
    expect(body.keys).toMatchObject([{ alg: 'EdDSA', crv: 'Ed25519', kid: read(token, 0).kid }]);
    expect(JSON.stringify(body)).not.toContain('"d"');
    expect(hive.events.at(-1)).toMatchObject({ type: 'service_token.issued', detail: { keyId: key.keyId } });
  });

  test('is not had for less', async () => {
    const browser = hive.browser();
    const wrong = { authorization: `Bearer ${key.secret.slice(0, -1)}0` };
    expect((await browser.post('/hive/service-token', {}, wrong)).status).toBe(401);
    expect((await browser.post('/hive/service-token')).status).toBe(401);
    expect(JSON.stringify(hive.events)).not.toContain(key.secret.slice(0, 20));
  });

  test('is refused when anything about it is not ours', async () => {
    const token = await issue();
    const header = read(token, 0);
    const claims = read(token, 1);
    const [, body, signature] = token.split('.') as [string, string, string];
    const { keys } = (await hive.browser().get('/jwks')).body;
    const publicKey = createPublicKey({ key: keys[0], format: 'jwk' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' });
    const hs256 = `${part({ alg: 'HS256', kid: header.kid })}.${body}`;
    const hmac = (secret: string | Buffer) => createHmac('sha256', secret).update(hs256).digest('base64url');
    const raw = Buffer.from(keys[0].x, 'base64url');
    const foreign = generateKeyPairSync('ed25519').privateKey;
    const signed = (head: unknown, payload: unknown) => {
      const text = `${part(head)}.${part(payload)}`;
      return `${text}.${sign(null, Buffer.from(text), foreign).toString('base64url')}`;
    };
    const forged = [
      `${part({ alg: 'none', kid: header.kid })}.${body}.`,
      `${part({ alg: 'none', kid: header.kid })}.${body}.${signature}`,
      `${hs256}.${hmac(pem)}`,
      `${hs256}.${hmac(raw)}`,
      signed(header, claims),
      signed({ ...header, kid: crypto.randomUUID() }, claims),
      signed({ ...header, jwk: generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }) }, claims),
      `${part(header)}.${part({ ...claims, sub: crypto.randomUUID() })}.${signature}`,
      `${part(header)}.${part({ ...claims, exp: claims.exp + 3_600 })}.${signature}`,
      `${part({ ...header, crit: ['b64'] })}.${body}.${signature}`,
      `${token}.x`,
      `${token.slice(0, -4)}AAAA`,
      '..',
      'not a token',
    ];
    for (const text of forged) expect(await verify(text), text).toBeUndefined();
    expect(await verify(token)).toBeDefined();
  });

  test('is refused when another hive made it, for itself or for us', async () => {
    const token = await issue();
    await hive.restart({ serviceIssuer: 'https://other.example' });
    expect(await verify(token)).toBeUndefined();
    await hive.restart({ serviceIssuer });
    expect(await verify(token)).toBeDefined();
  });

  test('is refused when it has expired', async () => {
    const token = await issue();
    const { exp } = read(token, 1);
    vi.useFakeTimers({ toFake: ['Date'] });
    try {
      vi.setSystemTime(exp * 1_000 - 1);
      expect(await verify(token)).toBeDefined();
      vi.setSystemTime(exp * 1_000);
      expect(await verify(token)).toBeUndefined();
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('signing keys', () => {
  test('are replaced after their time, and stay good for the tokens they signed', async () => {
    const before = await issue();
    await hive.database.pool.query('update identity.jwks set expires_at = now()');
    const after = await issue();
    expect(read(after, 0).kid).not.toBe(read(before, 0).kid);
    await hive.restart({});
    expect(await verify(before)).toBeDefined();
    expect(await verify(after)).toBeDefined();
    expect((await hive.browser().get('/jwks')).body.keys).toHaveLength(2);
    await hive.database.pool.query(
      `update identity.jwks set expires_at = now() - interval '25 hours' where id = $1`,
      [read(before, 0).kid],
    );
    await hive.restart({});
    expect(await verify(before)).toBeUndefined();
    expect((await hive.browser().get('/jwks')).body.keys).toHaveLength(1);
  });
});

describe('rotating the secret key', () => {
  test('keeps sessions, one-time passwords, backup codes and signing keys', async () => {
    const email = 'ada@hive.example';
    const browser = hive.browser();
    await browser.post('/sign-in/email', { email, password });
    const enabled = (await browser.post('/two-factor/enable', { password })).body;
    const code = readTotpUri(enabled.totpURI);
    expect((await browser.post('/two-factor/verify-totp', { code: code() })).status).toBe(200);
    const account = await hive.database.pool.query(
      `insert into identity.account (user_id, account_id, provider_id, access_token)
      select id, '1', 'github', null from identity."user" limit 1 returning id`,
    );
    const token = await issue();
    const { current } = hive.options.secretKeys;
    const secretKeys = { current: { version: 2, key: randomBytes(32) }, previous: current };
    await hive.restart({ secretKeys });
    const old = browser.cookie;
    expect(await hive.identity.findSession(old, hive.baseUrl)).toBeDefined();
    expect((await browser.get('/hive/sessions')).status).toBe(200);
    expect(browser.cookie).not.toBe(old);
    // The key that has ended is still in its table.
    const [personal, signingKeys] = [2, 2];
    expect(await hive.identity.reencrypt(secretKeys)).toBe(personal + signingKeys);
    expect(await hive.identity.reencrypt(secretKeys)).toBe(0);
    await hive.restart({ secretKeys: { current: secretKeys.current } });
    expect(await hive.identity.findSession(old, hive.baseUrl)).toBeUndefined();
    expect(await hive.identity.findSession(browser.cookie, hive.baseUrl)).toBeDefined();
    await hive.database.pool.query('delete from identity.totp_use');
    const device = hive.browser();
    await device.post('/sign-in/email', { email, password });
    expect((await device.post('/two-factor/verify-totp', { code: code() })).status).toBe(200);
    const other = hive.browser();
    await other.post('/sign-in/email', { email, password });
    const backup = { code: enabled.backupCodes[0] };
    expect((await other.post('/two-factor/verify-backup-code', backup)).status).toBe(200);
    expect(await verify(token)).toBeDefined();
    expect(read(await issue(), 0).kid).toBe(read(token, 0).kid);
    await hive.database.pool.query('delete from identity.account where id = $1', [account.rows[0].id]);
    await hive.restart({ secretKeys: { current: { version: 3, key: randomBytes(32) } } });
    await expect(hive.identity.reencrypt(hive.options.secretKeys)).rejects.toThrow(
      'HIVE_SECRET_KEY_PREVIOUS',
    );
  });
});

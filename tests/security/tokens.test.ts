import { createHmac, createPublicKey, generateKeyPairSync, sign, type webcrypto } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  printedSetupToken,
  password,
  startHiveUnderAttack,
  type HiveUnderAttack,
} from './hive-under-attack.ts';

let hive: HiveUnderAttack;
let key: { id: string; secret: string; headers: { authorization: string } };

beforeAll(async () => {
  hive = await startHiveUnderAttack();
  key = await hive.key(hive.ada, { role: 'OPERATOR' }, hive.home);
});
afterAll(() => hive?.stop());

const asks = async (headers: Record<string, string>) => {
  const answer = await hive.call('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"query":"{ viewer { role } }"}',
  });
  return answer.status;
};
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });
const part = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const read = (token: string, index: number) =>
  JSON.parse(Buffer.from(token.split('.')[index]!, 'base64url').toString()) as Record<string, unknown>;

async function serviceToken(secret = key.secret): Promise<string> {
  const answer = await hive.browser().post('/hive/service-token', {}, bearer(secret));
  expect(answer.status).toBe(200);
  return answer.body.token as string;
}

describe('a service token', () => {
  test('that is genuine is taken, and every forgery of it refused', async () => {
    const token = await serviceToken();
    expect(await asks(bearer(token))).toBe(200);
    const [header, claims] = [read(token, 0), read(token, 1)];
    const [, body, signature] = token.split('.') as [string, string, string];
    const { keys } = (await hive.browser().get('/jwks')).body as { keys: webcrypto.JsonWebKey[] };
    const publicKey = createPublicKey({ key: keys[0]!, format: 'jwk' });
    const foreign = generateKeyPairSync('ed25519');
    const signed = (head: unknown, payload: unknown) => {
      const text = `${part(head)}.${part(payload)}`;
      return `${text}.${sign(null, Buffer.from(text), foreign.privateKey).toString('base64url')}`;
    };
    const hs256 = `${part({ ...header, alg: 'HS256' })}.${body}`;
    const forgeries: Record<string, string> = {
      'no algorithm': `${part({ ...header, alg: 'none' })}.${body}.`,
      'no algorithm, in other letters': `${part({ ...header, alg: 'nOnE' })}.${body}.${signature}`,
      'no algorithm at all': `${part({ kid: header['kid'] })}.${body}.${signature}`,
      ...Object.fromEntries(
        [
          publicKey.export({ type: 'spki', format: 'pem' }),
          publicKey.export({ type: 'spki', format: 'der' }),
          Buffer.from(String(keys[0]!.x), 'base64url'),
          JSON.stringify(keys[0]),
          '',
        ].map((secret, index) => [
          `HS256 keyed with the public key, form ${index}`,
          `${hs256}.${createHmac('sha256', secret).update(hs256).digest('base64url')}`,
        ]),
      ),
      'another key under our id': signed(header, claims),
      'another key under its own id': signed({ ...header, kid: crypto.randomUUID() }, claims),
      'a key that it brings along': signed(
        { ...header, jwk: foreign.publicKey.export({ format: 'jwk' }) },
        claims,
      ),
      'a key that it says where to get': signed({ ...header, jku: `${hive.url}/api/auth/jwks` }, claims),
      'an id that is a path': signed({ ...header, kid: '../../../../dev/null' }, claims),
      'an id that is SQL': signed({ ...header, kid: "' or 1=1 --" }, claims),
      'another subject': `${part(header)}.${part({ ...claims, sub: crypto.randomUUID() })}.${signature}`,
      'more time': `${part(header)}.${part({ ...claims, exp: Number(claims['exp']) + 3_600 })}.${signature}`,
      'another audience': signed(header, { ...claims, aud: 'https://other.example' }),
      'half a signature': token.slice(0, -20),
      'no signature': `${part(header)}.${body}.`,
      'a part more': `${token}.${signature}`,
    };
    for (const [name, forged] of Object.entries(forgeries))
      expect(`${name}: ${await asks(bearer(forged))}`).toBe(`${name}: 401`);
  });

  test('is of no use to a hive that did not make it, though its rows were copied', async () => {
    const other = await startHiveUnderAttack();
    try {
      const token = await serviceToken();
      // The very key, in the neighbour's table of signing keys and of API keys: the issuer is still not theirs.
      const { rows } = await hive.pool.query('select * from identity.jwks');
      for (const { id, public_key, private_key, alg, crv, created_at, expires_at } of rows)
        await other.pool.query(
          `insert into identity.jwks (id, public_key, private_key, alg, crv, created_at, expires_at) values ($1,$2,$3,$4,$5,$6,$7)`,
          [id, public_key, private_key, alg, crv, created_at, expires_at],
        );
      const answer = await other.call('/graphql?query=%7B__typename%7D', { headers: bearer(token) });
      expect(answer.status).toBe(401);
      expect(await asks(bearer(token))).toBe(200);
    } finally {
      await other.stop();
    }
  });

  test('ends with the key it came from', async () => {
    const made = await hive.key(hive.ada, {}, hive.home);
    const token = await serviceToken(made.secret);
    expect(await asks(bearer(token))).toBe(200);
    await hive.do(
      hive.ada.headers(hive.home),
      `mutation ($input: RevokeApiKeyInput!) { revokeApiKey(input: $input) { __typename } }`,
      { input: { apiKeyId: made.id } },
    );
    await expect.poll(() => asks(bearer(token)), { timeout: 2_000 }).toBe(401);
    expect(await asks(made.headers)).toBe(401);
    expect((await hive.browser().post('/hive/service-token', {}, made.headers)).status).toBe(401);
  });

  test('is had neither with a session nor with another token', async () => {
    const token = await serviceToken();
    const withToken = await hive.browser().post('/hive/service-token', {}, bearer(token));
    const withSession = await hive.ada.browser.post('/hive/service-token');
    expect([withToken.status, withSession.status]).toEqual([401, 401]);
  });
});

describe('an API key', () => {
  test('with any one character changed is nobody', async () => {
    const { secret } = await hive.key(hive.ada, {}, hive.home);
    for (let at = 5; at < secret.length; at += 7) {
      const other = secret[at] === 'A' ? 'B' : 'A';
      expect(await asks(bearer(secret.slice(0, at) + other + secret.slice(at + 1)))).toBe(401);
    }
    for (const text of [
      secret.slice(0, -1),
      `${secret}A`,
      secret.toUpperCase(),
      secret.slice(5),
      ` ${secret}x`,
    ])
      expect(await asks(bearer(text))).toBe(401);
    expect(await asks(bearer(secret))).toBe(200);
  });

  test('is not taken from anywhere but its header', async () => {
    const { secret } = key;
    for (const path of [`?access_token=${secret}`, `?authorization=Bearer%20${secret}`, `?key=${secret}`])
      expect((await hive.call(`/graphql${path}&query=%7B__typename%7D`)).status).toBe(401);
    expect(await asks({ cookie: `hive.session_token=${secret}` })).toBe(401);
    expect(await asks({ authorization: `Basic ${Buffer.from(`key:${secret}`).toString('base64')}` })).toBe(
      401,
    );
    expect(await asks({ 'x-api-key': secret })).toBe(401);
  });

  test('that is wrong is not made good by a cookie beside it', async () => {
    expect(await asks({ ...hive.ada.headers(), ...bearer('hive_wrong') })).toBe(401);
    expect(await asks({ ...hive.ada.headers(), ...bearer('') })).toBe(401);
  });

  test('makes neither keys nor members, whatever it may do besides', async () => {
    const mighty = await hive.key(hive.ada, { role: 'OWNER' }, hive.home);
    for (const text of [
      'mutation { createApiKey(input: { name: "x", role: VIEWER }) { ... on ForbiddenError { reason } } }',
      'mutation { inviteMember(input: { role: VIEWER }) { ... on ForbiddenError { reason } } }',
      'mutation { rotateSecrets(input: {}) { ... on ForbiddenError { reason } } }',
    ])
      expect(JSON.stringify(await hive.ask(mighty.headers, text))).toContain('"PEOPLE_ONLY"');
    for (const path of ['/api/audit/export', '/api/people/export'])
      expect((await hive.call(path, { headers: mighty.headers })).status).toBe(403);
    // Nor is it a session: what belongs to a person's account is out of reach.
    for (const path of ['/hive/sessions', '/list-accounts'])
      expect((await hive.browser().get(path, mighty.headers)).status).toBe(401);
    for (const path of ['/hive/pair/start', '/hive/recovery-codes', '/two-factor/enable', '/change-password'])
      expect((await hive.browser().post(path, {}, mighty.headers)).status).toBeGreaterThanOrEqual(400);
  });
});

describe('a session cookie', () => {
  test('with another signature, or none, is nobody', async () => {
    const [name, value] = hive.eve.browser.cookie.split('=') as [string, string];
    const [token, signature] = decodeURIComponent(value).split('.') as [string, string];
    const other = signature[0] === 'A' ? 'B' : 'A';
    const cookies = [
      token,
      `${token}.`,
      `${token}.${other}${signature.slice(1)}`,
      `${token}.${signature.slice(0, -8)}`,
      `${token.slice(0, -1)}x.${signature}`,
      `.${signature}`,
      `${token}.${createHmac('sha256', '').update(token).digest('base64')}`,
    ];
    for (const forged of cookies)
      expect(await asks({ cookie: `${name}=${encodeURIComponent(forged)}` })).toBe(401);
    // The same under the name that only https gives, and under another one.
    for (const wrong of [`__Host-${name}`, `__Secure-${name}`, 'session_token'])
      expect(await asks({ cookie: `${wrong}=${value}` })).toBe(401);
    expect(await asks({ cookie: `${name}=${value}` })).toBe(200);
  });

  test('is new with each sign-in, so that none can be planted', async () => {
    const victim = hive.browser();
    const [name, value] = hive.vic.browser.cookie.split('=') as [string, string];
    victim.setCookie(name, value);
    const answer = await victim.post('/sign-in/email', { email: hive.eve.email, password });
    expect(answer.status).toBe(200);
    expect(victim.cookie).not.toContain(value);
  });
});

describe('what is good once', () => {
  const together = <T>(claim: () => Promise<T>) => Promise.all(Array.from({ length: 20 }, claim));

  test('the setup link is used up', async () => {
    const token = await printedSetupToken(hive.server);
    const claim = { token, name: 'Mallory', email: 'mallory@hive.example', password };
    expect((await hive.browser().post('/hive/setup', claim)).status).toBeGreaterThanOrEqual(400);
    expect((await hive.browser().post('/hive/setup/check', { token })).body.valid).toBe(false);
    expect((await hive.browser().post('/hive/setup/link')).status).toBeGreaterThanOrEqual(400);
  });

  test('a pairing code pairs one of twenty who read it at once, and none later', async () => {
    const { token } = (await hive.eve.browser.post('/hive/pair/start')).body as { token: string };
    const answers = await together(() => hive.browser().post('/hive/pair/claim', { token }));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await hive.browser().post('/hive/pair/claim', { token })).status).toBe(400);
  });

  test('an invitation makes one account of twenty that are tried at once, and none later', async () => {
    const token = await hive.invite('VIEWER');
    let number = 0;
    const claim = () => {
      number += 1;
      const person = { name: `Racer ${number}`, email: `racer${number}@hive.example`, password };
      return hive.browser().post('/hive/invitation/accept', { token, ...person });
    };
    const answers = await together(claim);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect((await claim()).status).toBe(400);
    const { rows } = await hive.pool.query(`select 1 from identity."user" where name like 'Racer%'`);
    expect(rows).toHaveLength(1);
  });

  test('a recovery code signs in one of twenty', async () => {
    const token = await hive.invite('VIEWER');
    const input = { token, name: 'Rory', email: 'rory@hive.example', password };
    const { body } = await hive.browser().post('/hive/invitation/accept', input);
    const code = body.recoveryCodes[0] as string;
    const answers = await together(() => hive.browser().post('/hive/recover', { email: input.email, code }));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  });
});

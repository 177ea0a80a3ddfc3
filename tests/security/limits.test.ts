import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openRaw, subscribeTo } from '../support/raw-socket.ts';
import { password, startHiveUnderAttack, type HiveUnderAttack } from './hive-under-attack.ts';

const burst = 60;
const anonymousBurst = 20;
let hive: HiveUnderAttack;
beforeAll(async () => {
  // Nobody waits for these to fill up again.
  hive = await startHiveUnderAttack({
    HIVE_RATE_BURST: String(burst),
    HIVE_RATE_REFILL_SECONDS: '86400',
    HIVE_ANONYMOUS_BURST: String(anonymousBurst),
    HIVE_ANONYMOUS_REFILL_SECONDS: '86400',
  });
});
afterAll(() => hive?.stop());

const ask = (headers: Record<string, string>) =>
  hive.call('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: '{"query":"{ viewer { role } }"}',
  });
const atOnce = async (count: number, headers: () => Record<string, string>) => {
  const answers = await Promise.all(Array.from({ length: count }, () => ask(headers())));
  return { answers, allowed: answers.filter(({ status }) => status === 200).length };
};

function expectRefusal(answer: Awaited<ReturnType<typeof ask>>, policy: string, limit: number): void {
  expect(answer.status).toBe(429);
  expect(answer.headers.get('ratelimit-policy')).toBe(`"${policy}";q=${limit};w=86400`);
  expect(answer.headers.get('ratelimit')).toMatch(new RegExp(`^"${policy}";r=0;t=\\d+$`));
  const seconds = Number(answer.headers.get('retry-after'));
  const { code, retryAfterMs } = answer.body.errors[0].extensions as { code: string; retryAfterMs: number };
  expect(code).toBe('RATE_LIMITED');
  expect(Math.ceil(retryAfterMs / 1_000)).toBe(seconds);
}

describe('requests', () => {
  test('of a person end at their limit, all sessions, addresses and workspaces together, also at once', async () => {
    const who = await hive.join('Flood', 'VIEWER');
    const other = hive.browser();
    await other.post('/sign-in/email', { email: who.email, password });
    let number = 0;
    const { answers, allowed } = await atOnce(burst * 2, () => {
      number += 1;
      const cookie = number % 2 === 0 ? who.browser.cookie : other.cookie;
      return { cookie, origin: hive.url, 'x-forwarded-for': `198.18.0.${number}` };
    });
    expect(allowed).toBe(burst);
    expectRefusal(
      answers.find(({ status }) => status === 429)!,
      'user',
      burst,
    );
    // Not only the API: every door that knows the person counts.
    expect((await hive.call('/api/people/export', { headers: who.headers() })).status).toBe(429);
    expect((await hive.call('/schema.graphql', { headers: who.headers() })).status).toBe(429);
    expect((await hive.call('/api/auth/hive/sessions', { headers: who.headers() })).status).toBe(429);
    // Somebody else behind the same address is not held up.
    expect((await ask({ ...hive.vic.headers(), 'x-forwarded-for': '198.18.0.1' })).status).toBe(200);
  });

  test('of a key end at its own limit, that of its tokens included, and leave its maker alone', async () => {
    const who = await hive.join('Maker', 'OPERATOR');
    const key = await hive.key(who);
    const { body } = await hive.browser().post('/hive/service-token', {}, key.headers);
    const token = { authorization: `Bearer ${body.token}` };
    let number = 0;
    // The exchange was one of them.
    const { answers, allowed } = await atOnce(burst * 2, () =>
      (number += 1) % 2 === 0 ? key.headers : token,
    );
    expect(allowed).toBe(burst - 1);
    expectRefusal(
      answers.find(({ status }) => status === 429)!,
      'key',
      burst,
    );
    expect((await ask(who.headers())).status).toBe(200);
  });

  test('of strangers end sooner, by address, and by network for IPv6', async () => {
    const guess = (address: string) => ({ authorization: 'Bearer hive_guess', 'x-forwarded-for': address });
    const { answers } = await atOnce(anonymousBurst * 2, () => guess('198.19.0.1'));
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(anonymousBurst);
    expectRefusal(
      answers.find(({ status }) => status === 429)!,
      'anonymous',
      anonymousBurst,
    );
    expect((await ask(guess('198.19.0.2'))).status).toBe(401);
    let number = 0;
    const network = await atOnce(anonymousBurst * 2, () => guess(`2606:4700::${(number += 1).toString(16)}`));
    expect(network.answers.filter(({ status }) => status === 401)).toHaveLength(anonymousBurst);
  });

  test('that are refused for another reason count, too', async () => {
    const who = await hive.join('Prober', 'VIEWER');
    const probe = () => hive.ask(who.headers(), '{ nothing }');
    const answers = await Promise.all(Array.from({ length: burst + 10 }, probe));
    const codes = answers.map(({ errors }) => errors?.[0]?.extensions?.code);
    expect(codes.filter((code) => code === 'RATE_LIMITED')).toHaveLength(10);
  });
});

test('operations over a WebSocket count like requests, one by one, and the socket stays', async () => {
  const who = await hive.join('Talker', 'VIEWER');
  const raw = await openRaw(hive.url, { headers: who.headers() });
  for (let id = 0; id < burst + 5; id += 1) raw.send(subscribeTo(String(id), '{ viewer { role } }'));
  let [allowed, refused] = [0, 0];
  while (allowed + refused < burst + 5) {
    const message = await raw.next();
    if (message.type === 'next') allowed += 1;
    if (message.type !== 'error') continue;
    refused += 1;
    expect(message.payload).toMatchObject([
      { extensions: { code: 'RATE_LIMITED', retryAfterMs: expect.any(Number) } },
    ]);
  }
  expect([allowed, refused]).toEqual([burst, 5]);
  raw.send({ type: 'ping' });
  let last = await raw.next();
  while (last.type === 'complete') last = await raw.next();
  expect(last.type).toBe('pong');
  raw.socket.close();
  // And over HTTP it is the same bucket.
  expect((await ask(who.headers())).status).toBe(429);
});

test('opening WebSockets is limited by address', async () => {
  const from = { 'x-forwarded-for': '198.19.7.7' };
  const outcomes = await Promise.all(
    Array.from({ length: burst + 5 }, () =>
      openRaw(hive.url, { init: false, headers: from }).then(
        ({ socket }) => (socket.terminate(), 'open'),
        (error: unknown) => String(error),
      ),
    ),
  );
  expect(outcomes.filter((outcome) => outcome === 'open')).toHaveLength(burst);
  expect(outcomes.filter((outcome) => outcome.includes('429'))).toHaveLength(5);
});

describe('guessing passwords', () => {
  const told = ({ status, body, headers }: { status: number; body: unknown; headers: Headers }) => ({
    status,
    body: JSON.stringify(body).replace(/\d+/g, 'n'),
    names: [...headers.keys()].filter((name) => name !== 'date').sort(),
  });

  test('is held up by account from whatever address, for accounts there are and those there are not', async () => {
    const outcomes: unknown[][] = [];
    for (const email of [hive.bea.email, 'nobody@hive.example']) {
      const answers = [];
      for (let tries = 0; tries < 25; tries += 1)
        answers.push(
          told(await hive.browser().post('/sign-in/email', { email, password: `wrong password ${tries}` })),
        );
      expect(answers.filter(({ status }) => status === 429).length).toBeGreaterThan(0);
      outcomes.push(answers);
    }
    expect(outcomes[0]).toEqual(outcomes[1]);
    // Also the right password waits now; whoever is signed in already goes on.
    const right = await hive.browser().post('/sign-in/email', { email: hive.bea.email, password });
    expect(right.status).toBe(429);
    expect((await ask(hive.bea.headers())).status).toBe(200);
  });

  test('takes as long for an account there is as for one there is not (figures printed)', async () => {
    const times: Record<string, number[]> = { known: [], unknown: [] };
    for (let round = 0; round < 8; round += 1)
      for (const [name, email] of [
        ['known', hive.vic.email],
        ['unknown', `nobody${round}@hive.example`],
      ] as const) {
        const began = performance.now();
        await hive.browser().post('/sign-in/email', { email, password: 'not the password' });
        times[name]!.push(performance.now() - began);
      }
    const middle = (all: number[]) => Math.round(all.sort((left, right) => left - right)[all.length >> 1]!);
    console.log(
      `wrong password: ${middle(times['known']!)} ms for an account, ${middle(times['unknown']!)} ms for none`,
    );
  });

  test.each([
    ['/hive/recover', (email: string) => ({ email, code: 'AAAA-AAAA-AAAA-AAAA' })],
    ['/sign-in/email', (email: string) => ({ email, password: 'not the password' })],
  ] as const)('%s answers alike for everybody', async (path, input) => {
    const answers = [];
    for (const email of [hive.eve.email, 'ghost@hive.example', 'GHOST@hive.example'])
      answers.push(told(await hive.browser().post(path, input(email))));
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
  });
});

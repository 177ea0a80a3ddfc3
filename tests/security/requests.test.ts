import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHiveUnderAttack, type HiveUnderAttack } from './hive-under-attack.ts';
import { headOf, sendRaw, statusesOf as statuses } from './raw-http.ts';

let hive: HiveUnderAttack;
let key: { headers: { authorization: string } };
beforeAll(async () => {
  hive = await startHiveUnderAttack();
  key = await hive.key(hive.ada, { role: 'OWNER' }, hive.home);
});
afterAll(() => hive?.stop());

const raw = (bytes: string | Buffer) => sendRaw(hive, bytes);
const head = (line: string, ...headers: string[]) => headOf(hive, line, key.headers, headers);

const change = 'mutation { createTask(input: { title: "forged", instruction: "i" }) { __typename } }';
const changes = async () => (await hive.pool.query(`select 1 from task where title = 'forged'`)).rowCount;

describe('a change', () => {
  const inUrl = `/graphql?query=${encodeURIComponent(change)}`;

  test.each<[string, () => Promise<number[]>]>([
    ['by GET', async () => [(await hive.call(inUrl, { headers: key.headers })).status]],
    ['by HEAD', async () => [(await hive.call(inUrl, { method: 'HEAD', headers: key.headers })).status]],
    [
      'by GET with a body',
      async () =>
        statuses(
          await raw(
            head(
              'GET /graphql HTTP/1.1',
              'content-type: application/json',
              `content-length: ${JSON.stringify({ query: change }).length}`,
            ) + JSON.stringify({ query: change }),
          ),
        ),
    ],
    [
      'by GET that says it is a POST',
      async () => [
        (
          await hive.call(inUrl, {
            headers: {
              ...key.headers,
              'x-http-method-override': 'POST',
              'x-method-override': 'POST',
              'x-http-method': 'POST',
            },
          })
        ).status,
      ],
    ],
    [
      'by PUT',
      async () => [
        (
          await hive.call('/graphql', {
            method: 'PUT',
            headers: { ...key.headers, 'content-type': 'application/json' },
            body: JSON.stringify({ query: change }),
          })
        ).status,
      ],
    ],
    [
      'named in the URL of a POST',
      async () => [
        (
          await hive.call(inUrl, {
            method: 'POST',
            headers: { ...key.headers, 'content-type': 'application/json' },
            body: '{}',
          })
        ).status,
      ],
    ],
    [
      'behind a query by GET',
      async () => [
        (
          await hive.call(
            `/graphql?operationName=B&query=${encodeURIComponent(`query A { __typename } mutation B { createTask(input: { title: "forged", instruction: "i" }) { __typename } }`)}`,
            { headers: key.headers },
          )
        ).status,
      ],
    ],
  ])('%s is refused', async (_, send) => {
    for (const status of await send()) expect([400, 405]).toContain(status);
    expect(await changes()).toBe(0);
  });

  test.each([
    ['application/x-www-form-urlencoded', new URLSearchParams({ query: change }).toString()],
    ['text/plain', JSON.stringify({ query: change })],
    [
      'multipart/form-data; boundary=x',
      `--x\r\ncontent-disposition: form-data; name="operations"\r\n\r\n${JSON.stringify({ query: change })}\r\n--x\r\ncontent-disposition: form-data; name="map"\r\n\r\n{}\r\n--x--`,
    ],
    ['application/graphql', change],
    ['application/json, text/plain', JSON.stringify({ query: change })],
    ['text/plain; application/json', JSON.stringify({ query: change })],
    ['', JSON.stringify({ query: change })],
  ])('posted as %j by a page that has no headers of its own is refused', async (type, body) => {
    const answer = await hive.call('/graphql', {
      method: 'POST',
      headers: { cookie: hive.ada.headers()['cookie']!, 'content-type': type },
      body,
    });
    expect(answer.status).toBe(415);
    expect(await changes()).toBe(0);
  });
});

describe('paths', () => {
  test.each([
    '/../package.json',
    '/../../server/src/main.ts',
    '/..%2f..%2fpackage.json',
    '/%2e%2e/%2e%2e/package.json',
    '/%2e%2e%2f%2e%2e%2fpackage.json',
    '/%252e%252e%252fpackage.json',
    '/..%255c..%255cpackage.json',
    '/..\\..\\package.json',
    '/..%5c..%5cpackage.json',
    '/%c0%ae%c0%ae/package.json',
    '/%u002e%u002e/package.json',
    '/....//....//package.json',
    '/.;/package.json',
    '/assets/..;/..;/package.json',
    '/assets/%2e%2e/%2e%2e/package.json',
    '//etc/passwd',
    '/etc/passwd',
    '///etc/passwd',
    '/C:/Windows/win.ini',
    '/%00/etc/passwd',
    '/index.html%00.js',
    '/index.html%0d%0aset-cookie:%20a=b',
    '/.env',
    '/.git/config',
    '/.build-hash',
    '/secret.key',
    '/.hive/secret.key',
    'http://evil.example/etc/passwd',
    'file:///etc/passwd',
    '*',
    '/api/../metrics',
    '/api/auth/../../metrics',
    '/api/auth/%2e%2e/%2e%2e/metrics',
    '/api//audit/export',
    '/API/audit/export',
    '/api/audit/export/',
    '/api/audit/export%2f',
    '/graphql/../metrics',
    '/metrics;x',
  ])('%s leads nowhere', async (path) => {
    const text = await raw(
      `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${hive.port}\r\nconnection: close\r\nx-forwarded-for: 203.0.113.5\r\n\r\n`,
    );
    for (const status of statuses(text)) expect([400, 401, 403, 404, 405, 421]).toContain(status);
    expect(text).not.toMatch(/root:|"dependencies"|\[core\]|hive_up|set-cookie: a=b/i);
  });
});

describe('oversized and malformed', () => {
  test.each<[string, () => string | Buffer]>([
    ['a header of 20 kB', () => head('GET /health HTTP/1.1', `x-long: ${'a'.repeat(20_000)}`)],
    [
      'a megabyte of headers',
      () =>
        head(
          'GET /health HTTP/1.1',
          ...Array.from({ length: 10_000 }, (_, index) => `x-${index}: ${'a'.repeat(90)}`),
        ),
    ],
    [
      'a cookie of 20 kB',
      () => head('GET /health HTTP/1.1', `cookie: hive.session_token=${'a'.repeat(20_000)}`),
    ],
    ['a path of 20 kB', () => head(`GET /${'a'.repeat(20_000)} HTTP/1.1`)],
    ['a query string of a megabyte', () => head(`GET /graphql?query=${'a'.repeat(1_000_000)} HTTP/1.1`)],
    ['another protocol', () => 'SSH-2.0-OpenSSH_9.9\r\n'],
    ['a TLS handshake', () => Buffer.from('160301020001000001fc0303', 'hex')],
    ['HTTP of the future', () => head('GET /health HTTP/9.9')],
    ['HTTP/2 by itself', () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['no protocol at all', () => 'GET /metrics\r\n\r\n'],
    ['a method there is not', () => head('BREW /health HTTP/1.1')],
    ['a null in a header', () => head('GET /health HTTP/1.1', 'x-null: a\0b')],
    ['a header without a name', () => head('GET /health HTTP/1.1', ': x')],
    ['CONNECT', () => 'CONNECT 169.254.169.254:80 HTTP/1.1\r\nhost: 169.254.169.254:80\r\n\r\n'],
    ['TRACE', () => head('TRACE / HTTP/1.1')],
    ['noise', () => Buffer.from(Array.from({ length: 4_096 }, (_, index) => (index * 7_919) % 251))],
  ])('%s is answered with a refusal, or not at all', async (_, bytes) => {
    const text = await raw(bytes());
    for (const status of statuses(text)) expect(status).toBeGreaterThanOrEqual(400);
    expect(text).not.toContain(key.headers.authorization);
    expect((await hive.call('/health/live')).status).toBe(200);
  });

  test('a request that dribbles in is cut off', async () => {
    const stream = connect(hive.port, '127.0.0.1');
    stream.on('error', () => {});
    const began = performance.now();
    const closed = new Promise<void>((resolve) => stream.once('close', () => resolve()));
    stream.resume();
    stream.write('GET /health HTTP/1.1\r\n');
    const timer = setInterval(() => stream.write('x-slow: 1\r\n'), 500);
    await closed;
    clearInterval(timer);
    expect(performance.now() - began).toBeLessThan(16_000);
  }, 30_000);

  test('two thousand connections that say nothing keep nobody out', async () => {
    const idle = Array.from({ length: 2_000 }, () => connect(hive.port, '127.0.0.1').on('error', () => {}));
    expect((await hive.ask(key.headers, '{ viewer { role } }')).errors).toBeUndefined();
    for (const stream of idle) stream.destroy();
  });
});

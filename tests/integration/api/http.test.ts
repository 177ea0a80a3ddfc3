import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { request } from '../../support/graphql-client.ts';

let database: TestDatabase;
let api: TestApi;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'hive-app-'));
  const app = join(folder, 'dist');
  mkdirSync(join(app, 'assets'), { recursive: true });
  writeFileSync(join(app, 'index.html'), '<!doctype html><title>app</title>');
  writeFileSync(join(app, 'sw.js'), 'self.x = 1;');
  writeFileSync(join(app, 'assets', 'main-AbCdEf12.js'), `export const x = '${'y'.repeat(5_000)}';`);
  writeFileSync(join(folder, 'secret.txt'), 'secret');
  api = await startTestApi(database, {
    http: { appFolder: app },
    server: { allowedHosts: ['hive.example'] },
  });
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: string;
}

/** Node's own client, since fetch allows neither a foreign Host nor a path with dots. */
function raw(
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        host: '127.0.0.1',
        port: api.port,
        path,
        method: options.method ?? 'GET',
        headers: options.headers ?? {},
      },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString('latin1')));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}
const json = { 'content-type': 'application/json' };
const viewer = JSON.stringify({ query: '{ viewer { workspaceName } }' });

test('a query works by POST and by GET', async () => {
  expect((await raw('/graphql', { method: 'POST', headers: json, body: viewer })).body).toContain('My hive');
  expect((await raw(`/graphql?query=${encodeURIComponent('{ viewer { workspaceName } }')}`)).body).toContain(
    'My hive',
  );
});

test('a mutation works by POST only', async () => {
  const mutation = 'mutation { cancelGoal(input: { goalId: "x" }) { __typename } }';
  expect((await raw(`/graphql?query=${encodeURIComponent(mutation)}`)).status).toBe(405);
  expect(
    (await raw('/graphql', { method: 'POST', headers: json, body: JSON.stringify({ query: mutation }) }))
      .body,
  ).toContain('ValidationError');
  expect((await raw('/graphql', { method: 'DELETE' })).status).toBe(405);
});

test.each([
  ['a foreign host', { host: 'evil.example' }, 421],
  ['a foreign name that resolves to us', { host: 'evil.example:4000' }, 421],
  ['another port', { host: '127.0.0.1:1' }, 421],
  ['a foreign origin', { origin: 'https://evil.example' }, 403],
  ['no origin worth the name', { origin: 'null' }, 403],
  ['a cross-site fetch', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
])('%s is refused on every path', async (_, headers, status) => {
  for (const path of ['/', '/graphql?query=%7B__typename%7D', '/health', '/metrics', '/schema.graphql']) {
    expect((await raw(path, { headers: headers as unknown as Record<string, string> })).status).toBe(status);
  }
});

test('our own names and an allowed one pass', async () => {
  for (const host of [
    `localhost:${api.port}`,
    `127.0.0.1:${api.port}`,
    `[::1]:${api.port}`,
    'hive.example',
  ]) {
    expect((await raw('/health/live', { headers: { host, origin: `http://${host}` } })).status).toBe(200);
  }
});

test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x'])(
  'a POST of %s, which a form could send, is refused',
  async (type) => {
    expect(
      (await raw('/graphql', { method: 'POST', headers: { 'content-type': type }, body: viewer })).status,
    ).toBe(415);
    expect(
      (
        await raw('/graphql', {
          method: 'POST',
          headers: { 'content-type': type, 'x-hive-csrf': '1' },
          body: viewer,
        })
      ).status,
    ).toBe(200);
  },
);

test('a body over 1 MiB is refused, also without a length', async () => {
  const large = JSON.stringify({ query: `{ viewer { workspaceName } } # ${'x'.repeat(1_100_000)}` });
  expect(
    (
      await raw('/graphql', {
        method: 'POST',
        headers: { ...json, 'content-length': String(Buffer.byteLength(large)) },
        body: large,
      })
    ).status,
  ).toBe(413);
  const chunked = await raw('/graphql', {
    method: 'POST',
    headers: { ...json, 'transfer-encoding': 'chunked' },
    body: large,
  }).catch((error: unknown) => error);
  // The connection is closed while the rest is still being sent; either the answer or the reset arrives first.
  if (!(chunked instanceof Error)) expect((chunked as Answer).status).toBe(413);
});

test.each([['[]'], ['[{"query":"{__typename}"}]'], ['{}'], ['"x"'], ['{"query":'], ['']])(
  'the body %j is refused',
  async (body) => {
    expect((await raw('/graphql', { method: 'POST', headers: json, body })).status).toBe(400);
  },
);

const nested = (depth: number) =>
  `{ goals { edges { node { ${'run { goal { '.repeat(depth)} id ${'} }'.repeat(depth)} } } } }`;
test.each([
  ['too deep', nested(10)],
  ['too many aliases', `{ ${Array.from({ length: 40 }, (_, index) => `a${index}: __typename`).join(' ')} }`],
  [
    'too many aliases by fragments',
    `{ ...A ...A } fragment A on Query { ${Array.from({ length: 20 }, (_, index) => `a${index}: __typename`).join(' ')} }`,
  ],
  ['too many tokens', `{ ${'__typename '.repeat(3_000)} }`],
  ['too many directives', `{ viewer { ${'workspaceName @include(if: true) '.repeat(60)} } }`],
  [
    'too costly',
    '{ goals(first: 100) { edges { node { tasks(first: 100) { edges { node { steps { id name } dependsOn { id title } } } } } } } }',
  ],
])('an operation that is %s is refused with LIMIT_EXCEEDED', async (_, query) => {
  const answer = await request(api.url, query);
  expect(answer.errors?.[0]?.extensions?.code).toBe('LIMIT_EXCEEDED');
});

test('fragments that double each other are measured without doubling the work', async () => {
  const fragments = Array.from(
    { length: 40 },
    (_, index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`,
  ).join(' ');
  const answer = await request(api.url, `{ ...F0 } ${fragments} fragment F40 on Query { a: __typename }`);
  expect(answer.errors?.[0]?.extensions?.code).toBe('LIMIT_EXCEEDED');
});

test('the playground is one page without a CDN, for browsers only', async () => {
  const page = await fetch(`${api.url}/graphql`, { headers: { accept: 'text/html' } });
  const html = await page.text();
  expect(html).toContain('YogaGraphiQL');
  expect(html).not.toMatch(/src=["']?https?:|href=["']?https?:[^"']*\.css/);
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");
  expect((await raw('/graphql')).body).toContain('errors');
});

test('the introspection query of the playground is within the limits', async () => {
  const { getIntrospectionQuery } = await import('graphql');
  expect((await request(api.url, getIntrospectionQuery())).errors).toBeUndefined();
});

test('the SDL, health and metrics are served', async () => {
  expect((await raw('/schema.graphql')).body).toContain('type Goal implements Node');
  const health = await raw('/health');
  expect(health.status).toBe(200);
  expect(JSON.parse(health.body)).toMatchObject({
    checks: expect.arrayContaining([expect.objectContaining({ name: 'database', status: 'UP' })]),
  });
  expect((await raw('/metrics')).body).toContain('hive_up');
});

test('the app is served with the right caching', async () => {
  const start = await raw('/', { headers: { accept: 'text/html' } });
  expect(start.body).toContain('<title>app</title>');
  expect(start.headers['cache-control']).toBe('no-cache');
  expect(start.headers['content-security-policy']).toContain("script-src 'self';");
  expect(start.headers['content-security-policy']).not.toContain('unsafe');
  const asset = await raw('/assets/main-AbCdEf12.js', { headers: { 'accept-encoding': 'gzip' } });
  expect(asset.headers['cache-control']).toBe('public, max-age=31536000, immutable');
  expect(asset.headers['content-encoding']).toBe('gzip');
  expect((await raw('/sw.js')).headers['cache-control']).toBe('no-cache');
  expect(
    (await raw('/sw.js', { headers: { 'if-none-match': String((await raw('/sw.js')).headers['etag']) } }))
      .status,
  ).toBe(304);
});

test('an unknown path is the start page for a navigation and 404 for anything else', async () => {
  expect((await raw('/work/tasks', { headers: { accept: 'text/html' } })).status).toBe(200);
  expect((await raw('/work/tasks')).status).toBe(404);
  expect((await raw('/missing.js', { headers: { accept: 'text/html' } })).status).toBe(404);
});

test.each([
  '/../secret.txt',
  '/..%2fsecret.txt',
  '/%2e%2e/secret.txt',
  '/assets/../../secret.txt',
  '/..%5csecret.txt',
  '/%00',
  '/.build-hash',
  '/%zz',
])('%s does not leave the folder', async (path) => {
  const answer = await raw(path);
  expect([400, 404]).toContain(answer.status);
  expect(answer.body).not.toContain('secret\n');
});

test('a draining server is not ready and takes no new work', async () => {
  const other = await startTestApi(database);
  expect((await fetch(`${other.url}/health`)).status).toBe(200);
  await other.drain();
  const health = await fetch(`${other.url}/health`);
  expect(health.status).toBe(503);
  expect(await health.json()).toMatchObject({ status: 'DRAINING', checks: expect.any(Array) });
  const refused = await fetch(`${other.url}/graphql`, { method: 'POST', headers: json, body: viewer });
  expect(refused.status).toBe(503);
  expect(await refused.json()).toMatchObject({ errors: [{ extensions: { code: 'UNAVAILABLE' } }] });
  await other.close();
  await expect(fetch(`${other.url}/health`)).rejects.toThrow();
  await other.close();
});

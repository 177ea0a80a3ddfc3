import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let api: TestApi;
let folder: string;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hive-headers-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>app</title>');
  writeFileSync(join(folder, 'sw.js'), 'self.x = 1;');
  writeFileSync(join(folder, 'picture.svg'), '<svg xmlns="http://www.w3.org/2000/svg"/>');
  database = await createTestDatabase();
  api = await startTestApi(database, {
    http: { appFolder: folder },
    server: { trustedProxies: ['127.0.0.1'], allowedHosts: ['hive.example'] },
  });
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const html = { accept: 'text/html' };
const policyOf = async (path: string, headers: Record<string, string> = {}) => {
  const response = await fetch(`${api.url}${path}`, { headers });
  await response.arrayBuffer();
  const policy = response.headers.get('content-security-policy') ?? '';
  return new Map(
    policy.split('; ').map((directive) => [directive.split(' ', 1)[0]!, directive.split(' ').slice(1)]),
  );
};

test.each([
  '/',
  '/graphql',
  '/graphql?query=%7B__typename%7D',
  '/health',
  '/metrics',
  '/schema.graphql',
  '/nothing',
  '/api/nothing',
  '/api/auth/x',
  '/assets/%2e%2e/x',
])('%s carries what belongs on every answer', async (path) => {
  const { headers } = await fetch(`${api.url}${path}`);
  expect(Object.fromEntries(headers)).toMatchObject({
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    'cross-origin-opener-policy': 'same-origin',
    'cross-origin-resource-policy': 'same-origin',
    'x-frame-options': 'DENY',
    'permissions-policy': expect.stringContaining('camera=()'),
    'content-security-policy': expect.stringContaining("frame-ancestors 'none'"),
  });
  expect(headers.get('x-powered-by')).toBeNull();
  expect(headers.get('access-control-allow-origin')).toBeNull();
});

describe('the content policy', () => {
  test('of the app allows its own files and nothing else', async () => {
    const policy = await policyOf('/', html);
    expect(policy.get('default-src')).toEqual(["'none'"]);
    expect(policy.get('script-src')).toEqual(["'self'"]);
    expect(policy.get('style-src')).toEqual(["'self'"]);
    expect(policy.get('connect-src')).toEqual([
      "'self'",
      `ws://127.0.0.1:${api.port}`,
      `wss://127.0.0.1:${api.port}`,
    ]);
    expect(policy.get('require-trusted-types-for')).toEqual(["'script'"]);
    for (const name of ['base-uri', 'form-action', 'frame-ancestors', 'font-src', 'object-src'])
      expect(policy.get(name)).toEqual(["'none'"]);
    expect(JSON.stringify([...policy])).not.toMatch(/unsafe|https:|\*/);
  });

  test('of the playground names its one script by hash, and evaluates nothing', async () => {
    const policy = await policyOf('/graphql', html);
    expect(policy.get('script-src')).toEqual([expect.stringMatching(/^'sha256-.{44}'$/), "'strict-dynamic'"]);
    expect(policy.get('default-src')).toEqual(["'none'"]);
    expect(JSON.stringify([...policy.get('script-src')!])).not.toContain('unsafe');
  });

  test('of the service worker lets it fetch from here, and that of a picture nothing', async () => {
    expect((await policyOf('/sw.js')).get('connect-src')).toEqual(["'self'"]);
    expect([...(await policyOf('/picture.svg')).keys()]).not.toContain('script-src');
    expect((await policyOf('/picture.svg')).get('default-src')).toEqual(["'none'"]);
  });
});

test('only behind TLS browsers are told to stay with it', async () => {
  const at = (headers: Record<string, string>) => fetch(`${api.url}/health/live`, { headers });
  expect((await at({})).headers.get('strict-transport-security')).toBeNull();
  const proxied = {
    'x-forwarded-for': '203.0.113.9',
    'x-forwarded-proto': 'https',
    'x-forwarded-host': 'hive.example',
  };
  expect((await at(proxied)).headers.get('strict-transport-security')).toBe('max-age=31536000');
  const foreign = await at({ ...proxied, 'x-forwarded-host': 'evil.example' });
  expect(foreign.status).toBe(421);
});

test('a mutation does not run by GET, whoever follows the link', async () => {
  const text = 'mutation { cancelGoal(input: { goalId: "x" }) { __typename } }';
  const response = await fetch(`${api.url}/graphql?query=${encodeURIComponent(text)}`);
  expect(response.status).toBe(405);
});

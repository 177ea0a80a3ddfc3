import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { refuseForeign } from './request-guard.ts';

const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

const everywhere = {
  host: '0.0.0.0',
  allowedHosts: ['other.example:8443'],
  publicUrl: 'https://hive.example/',
};
const ask = (
  host: string,
  headers: Record<string, string> = {},
  config: { host: string; allowedHosts: string[]; publicUrl?: string } = everywhere,
  scheme: 'http' | 'https' = 'http',
) => refuseForeign(headers, { host, scheme }, { port: 4000, config })?.status;

test.each([
  '127.0.0.1:4000',
  'localhost:4000',
  'LOCALHOST:4000',
  '[::1]:4000',
  'hive.example',
  'HIVE.example',
  'other.example:8443',
])('the host %s is ours', (host) => expect(ask(host)).toBeUndefined());

test.each([
  '',
  'evil.example',
  'evil.example:4000',
  'hive.example:4000',
  'hive.example.evil.example',
  'other.example',
  '127.0.0.1:4001',
  '127.0.0.1',
  '203.0.113.1:4000',
  '127.0.0.1:4000, evil.example',
  'user@127.0.0.1:4000',
  '127.0.0.1:4000/',
])('the host %j is not ours', (host) => expect(ask(host)).toBe(421));

test.skipIf(own === undefined)('an own address is ours only when it is listened on', () => {
  expect(ask(`${own}:4000`)).toBeUndefined();
  expect(ask(`${own}:4000`, {}, { host: '127.0.0.1', allowedHosts: [] })).toBe(421);
});

test('the default port may be left out', () => {
  const config = { host: '127.0.0.1', allowedHosts: [] };
  const at = (port: number, scheme: 'http' | 'https') =>
    refuseForeign({}, { host: 'localhost', scheme }, { port, config })?.status;
  expect([at(80, 'http'), at(443, 'https')]).toEqual([undefined, undefined]);
  expect([at(443, 'http'), at(80, 'https')]).toEqual([421, 421]);
});

test.each([
  'null',
  'https://evil.example',
  'https://hive.example.evil.example',
  'file://',
  'https://hive.example/x',
  '',
])('the origin %j is refused', (origin) =>
  expect(ask('hive.example', { origin }, everywhere, 'https')).toBe(403),
);

test('a page without TLS may not drive what is behind TLS', () => {
  expect(ask('hive.example', { origin: 'http://hive.example' }, everywhere, 'https')).toBe(403);
  expect(ask('hive.example', { origin: 'https://hive.example' }, everywhere, 'https')).toBeUndefined();
  // Behind a proxy nobody told of, TLS cannot be seen from here.
  expect(ask('hive.example', { origin: 'https://hive.example' })).toBeUndefined();
});

test('a page on another one of our names is another page, unless the settings name it', () => {
  expect(ask('hive.example', { origin: 'http://127.0.0.1:4000' })).toBe(403);
  expect(ask('127.0.0.1:4000', { origin: 'http://localhost:4000' })).toBe(403);
  expect(ask('localhost:4000', { origin: 'http://localhost:4000' })).toBeUndefined();
  // A tunnel that asks for the loopback name on behalf of the public one.
  expect(ask('127.0.0.1:4000', { origin: 'https://hive.example' })).toBeUndefined();
});

test('a request from another site is refused, a link from there is followed', () => {
  expect(ask('hive.example', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' })).toBe(403);
  expect(
    ask('hive.example', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate' }),
  ).toBeUndefined();
});

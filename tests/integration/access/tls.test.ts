import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { openListener } from '../../../server/src/http/listener.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createCertificate } from '../../support/certificate.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silentLog } from '../../support/log.ts';

let database: TestDatabase;
let api: TestApi;
let folder: string;
let ca: string;
const cert = () => join(folder, 'cert.pem');
const key = () => join(folder, 'key.pem');

function install(certificate = createCertificate()): void {
  writeFileSync(key(), certificate.key);
  writeFileSync(cert(), certificate.cert);
  ca = certificate.cert;
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hive-tls-'));
  install();
  database = await createTestDatabase();
  api = await startTestApi(database, { server: { tlsCert: cert(), tlsKey: key() } });
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

function get(
  path: string,
  options: RequestOptions = {},
): Promise<{ status: number; headers: Record<string, unknown>; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = httpsRequest(
      { host: '127.0.0.1', port: api.port, path, ca, agent: false, ...options },
      (response) => {
        let body = '';
        response.on('data', (chunk: Buffer) => (body += chunk.toString()));
        response.on('end', () => resolve({ status: response.statusCode!, headers: response.headers, body }));
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

const shake = (options: object) =>
  new Promise<TLSSocket>((resolve, reject) => {
    const socket = connectTls({ host: '127.0.0.1', port: api.port, ca, ...options }, () => resolve(socket));
    socket.once('error', reject);
  });

test('everything is served over TLS, and browsers are told to stay with it', async () => {
  expect(api.url).toBe(`https://127.0.0.1:${api.port}`);
  const answer = await get('/graphql?query=%7B__typename%7D');
  expect([answer.status, answer.body]).toEqual([200, '{"data":{"__typename":"Query"}}']);
  expect(answer.headers['strict-transport-security']).toBe('max-age=31536000');
});

test('a WebSocket works over TLS', async () => {
  const socket = new WebSocket(`wss://127.0.0.1:${api.port}/graphql`, 'graphql-transport-ws', { ca });
  const message = await new Promise<string>((resolve, reject) => {
    socket.on('error', reject);
    socket.on('open', () => socket.send('{"type":"connection_init"}'));
    socket.on('message', (data) => resolve((data as Buffer).toString()));
  });
  expect(message).toContain('connection_ack');
  socket.terminate();
});

test('TLS 1.2 is the least that is spoken', async () => {
  const socket = await shake({ minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' });
  expect(socket.getProtocol()).toBe('TLSv1.2');
  socket.destroy();
  await expect(
    shake({ minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  ).rejects.toThrow();
});

test('who speaks plain HTTP to the port is told what to use', async () => {
  const [status, body] = await new Promise<[number, string]>((resolve, reject) => {
    httpRequest({ host: '127.0.0.1', port: api.port, path: '/secret' }, (response) => {
      response.once('data', (chunk: Buffer) => resolve([response.statusCode!, chunk.toString()]));
    })
      .on('error', reject)
      .end();
  });
  expect(status).toBe(400);
  expect(body).toBe('This port speaks HTTPS: open it with https:// in front.\n');
});

test('a client that says its hello in pieces is understood', async () => {
  // A relay that passes the first byte on alone, as networks may.
  const answer = await new Promise<string>((resolve, reject) => {
    const raw = connectTcp(api.port, '127.0.0.1', () => {
      const write = raw.write.bind(raw);
      let isFirst = true;
      raw.write = ((data: Buffer, ...rest: []) => {
        if (!isFirst || !Buffer.isBuffer(data)) return write(data, ...rest);
        isFirst = false;
        write(data.subarray(0, 1));
        return write(data.subarray(1), ...rest);
      }) as never;
      raw.setNoDelay(true);
      const secure = connectTls({ socket: raw, ca, servername: 'localhost' }, () =>
        secure.write(`GET /health/live HTTP/1.1\r\nhost: localhost:${api.port}\r\nconnection: close\r\n\r\n`),
      );
      secure.on('error', reject);
      secure.once('data', (data: Buffer) => resolve(data.toString()));
    });
    raw.on('error', reject);
  });
  expect(answer).toContain('HTTP/1.1 200');
});

test('renewed files are served without a restart, and files that cannot be used are not', async () => {
  const serving = async () => {
    const socket = await shake({ rejectUnauthorized: false });
    const { fingerprint256 } = socket.getPeerCertificate();
    socket.destroy();
    return fingerprint256;
  };
  const before = await serving();
  writeFileSync(cert(), createCertificate().cert);
  const warned = () =>
    api.log.lines.some(({ message }) => message.startsWith('the TLS files changed and cannot'));
  await expect.poll(warned, { timeout: 15_000 }).toBe(true);
  expect(await serving()).toBe(before);
  install();
  await expect.poll(serving, { timeout: 15_000 }).not.toBe(before);
  expect((await get('/health/live')).status).toBe(200);
});

const open = (server: { tlsCert: string; tlsKey: string }) =>
  openListener({
    ...{ version: '1', log: silentLog },
    config: { host: '127.0.0.1', port: 0, allowedHosts: [], trustedProxies: [], ...server },
  });

test.each([
  [
    'a missing certificate',
    { tlsCert: '/nowhere/cert.pem' },
    /HIVE_TLS_CERT is \/nowhere\/cert\.pem, which cannot be read/,
  ],
  [
    'a missing key',
    { tlsKey: '/nowhere/key.pem' },
    /HIVE_TLS_KEY is \/nowhere\/key\.pem, which cannot be read/,
  ],
  ['a key for a certificate', { tlsCert: 'key' }, /HIVE_TLS_CERT \(.*key\.pem\) holds no certificate/],
  ['a certificate for a key', { tlsKey: 'cert' }, /HIVE_TLS_KEY \(.*cert\.pem\) holds no private key/],
])('%s is said with its setting and path', async (_, change, message) => {
  const paths: Record<string, string> = { key: key(), cert: cert() };
  const given = Object.fromEntries(Object.entries(change).map(([name, path]) => [name, paths[path] ?? path]));
  await expect(open({ tlsCert: cert(), tlsKey: key(), ...given })).rejects.toThrow(message);
});

test('a key that is not that of the certificate is said with both paths', async () => {
  const other = join(folder, 'other.pem');
  writeFileSync(other, createCertificate().key);
  await expect(open({ tlsCert: cert(), tlsKey: other })).rejects.toThrow(
    `The key in HIVE_TLS_KEY (${other}) does not belong to the certificate in HIVE_TLS_CERT (${cert()}).`,
  );
});

test('closing does not wait for connections that never said anything', async () => {
  const listener = await open({ tlsCert: cert(), tlsKey: key() });
  const silent = connectTcp(listener.port, '127.0.0.1');
  await new Promise((resolve) => silent.once('connect', resolve));
  const closed = new Promise((resolve) => silent.once('close', resolve));
  await Promise.all([listener.close(), closed]);
});

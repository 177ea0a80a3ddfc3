import { request } from 'node:http';
import { afterEach, expect, it } from 'vitest';
import { openListener, type Listener } from './listener.ts';

const config = { host: '127.0.0.1', port: 0, allowedHosts: [], trustedProxies: [] };
const log = { info() {}, warn() {} };
const open: Listener[] = [];
const listen = async (port = 0) => {
  const listener = await openListener({ config: { ...config, port }, version: '1.2.3', log });
  open.push(listener);
  return listener;
};
afterEach(() => Promise.all(open.splice(0).map((listener) => listener.close())));

it('tells a probe that it starts, instead of refusing the connection', async () => {
  const { url } = await listen();
  const health = await fetch(`${url}/health`);
  expect([health.status, await health.json()]).toEqual([
    503,
    { status: 'STARTING', version: '1.2.3', checks: [] },
  ]);
  expect((await fetch(`${url}/health/live`)).status).toBe(200);
  const api = await fetch(`${url}/graphql`, { method: 'POST', body: '{}' });
  expect([api.status, api.headers.get('retry-after')]).toEqual([503, '1']);
  expect(await api.text()).toContain('UNAVAILABLE');
});

it('is not to be driven from other names, even while it starts', async () => {
  const { port } = await listen();
  const status = await new Promise((resolve) => {
    request({ port, host: '127.0.0.1', path: '/health', headers: { host: 'evil.example' } }, (response) => {
      response.resume();
      resolve(response.statusCode);
    }).end();
  });
  expect(status).toBe(421);
});

it('hands the port over without a gap', async () => {
  const listener = await listen();
  listener.takeOver((_request, response) => response.end('ready'));
  expect(await (await fetch(listener.url)).text()).toBe('ready');
});

it('says that its port is taken and what to set', async () => {
  const { port } = await listen();
  await expect(listen(port)).rejects.toThrow(
    /Port \d+ on 127\.0\.0\.1 is taken by another program\. Set HIVE_PORT/,
  );
});

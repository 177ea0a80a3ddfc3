import { afterEach, beforeEach, expect, test } from 'vitest';
import { Browser } from '../integration/identity/browser.ts';
import { createTestDatabaseUrl, dropTestDatabase } from '../support/database.ts';
import { openRaw, subscribeTo } from '../support/raw-socket.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { password, printedSetupToken } from './hive-under-attack.ts';

let databaseUrl: string;
let server: ServerProcess;
beforeEach(async () => {
  databaseUrl = await createTestDatabaseUrl();
  server = await startServer({ databaseUrl });
});
afterEach(async () => {
  await server?.stop();
  await dropTestDatabase(databaseUrl);
});

const away = { 'x-forwarded-for': '203.0.113.7' };
const claim = (token: string, number = 0) => ({
  ...{ token, name: `Owner ${number}`, email: `owner${number}@hive.example`, password },
});

test('of twenty setups at the same moment one makes the owner', async () => {
  const token = await printedSetupToken(server);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, number) =>
      new Browser(server.url, {}).post('/hive/setup', claim(token, number)),
    ),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
  const again = await new Browser(server.url, {}).post('/hive/setup', claim(token, 21));
  expect(again.status).toBe(400);
});

test('who was let in as being at the machine goes when the owner comes', async () => {
  const socket = await openRaw(server.url);
  socket.send(subscribeTo('1', 'subscription { systemHealth { status } }'));
  expect(await socket.next()).toMatchObject({ type: 'next', id: '1' });
  const browser = new Browser(server.url, {});
  const began = performance.now();
  const answer = await browser.post('/hive/setup', claim(await printedSetupToken(server)));
  expect(answer.status).toBe(200);
  expect(await socket.closed).toMatchObject({ code: 4403 });
  expect(performance.now() - began).toBeLessThan(3_000);
  const seen = socket.messages.length;
  await expect(openRaw(server.url)).rejects.toThrow('4403');
  expect(socket.messages).toHaveLength(seen);
});

test('nothing makes a request from elsewhere look like one from the machine', async () => {
  const attempts: Record<string, string>[] = [
    away,
    { 'x-forwarded-for': '127.0.0.1' },
    { 'x-forwarded-for': '::1' },
    { forwarded: 'for=127.0.0.1' },
    { 'x-real-ip': '127.0.0.1' },
    { via: '1.1 proxy' },
    { 'x-forwarded-host': 'localhost' },
    { 'x-hive-local': 'yes', ...away },
  ];
  for (const headers of attempts) {
    const answer = await fetch(`${server.url}/graphql?query=%7B__typename%7D`, { headers });
    expect([headers, [401, 421].includes(answer.status)]).toEqual([headers, true]);
    const link = await fetch(`${server.url}/api/auth/hive/setup/link`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: '{}',
    });
    expect([headers, link.ok]).toEqual([headers, false]);
  }
  expect((await fetch(`${server.url}/graphql?query=%7B__typename%7D`)).status).toBe(200);
});

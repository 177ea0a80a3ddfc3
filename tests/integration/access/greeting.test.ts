import { randomBytes } from 'node:crypto';
import { networkInterfaces } from 'node:os';
import { expect, test } from 'vitest';
import { createTestDatabaseUrl, dropTestDatabase } from '../../support/database.ts';
import { startServer } from '../../support/server-process.ts';

const own = Object.values(networkInterfaces())
  .flatMap((list) => list ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

/** What the start prints, once it has said everything. */
async function greetingOf(
  env: Record<string, string>,
  look: (output: string, url: string) => Promise<void> | void,
): Promise<void> {
  const databaseUrl = await createTestDatabaseUrl();
  const server = await startServer({ databaseUrl, env });
  try {
    await expect.poll(() => server.output()).toContain('Ctrl-C stops it.');
    await look(server.output(), server.url);
  } finally {
    await server.stop();
    await dropTestDatabase(databaseUrl);
  }
}

const linkIn = (output: string, base: string) => {
  const start = output.indexOf(`${base}/setup#token=`);
  return start < 0 ? undefined : output.slice(start).split(/\s/, 1)[0];
};
const qrCode = /[▀▄█]{20}/;

test('the first start prints a link that makes an owner, once; later ones print none', async () => {
  const databaseUrl = await createTestDatabaseUrl();
  // Servers on one database have one key, as replicas do.
  const env = { HIVE_SECRET_KEY: randomBytes(32).toString('base64') };
  const first = await startServer({ databaseUrl, env });
  await expect.poll(() => first.output()).toContain('valid 15 minutes, once');
  const link = new URL(linkIn(first.output(), first.url)!);
  expect(first.output()).not.toMatch(qrCode);
  expect(first.output()).not.toContain('Warning');
  const token = new URLSearchParams(link.hash.slice(1)).get('token');
  const setUp = () =>
    fetch(`${first.url}/api/auth/hive/setup`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', origin: first.url },
      body: JSON.stringify({
        token,
        name: 'Ada',
        email: 'ada@hive.example',
        password: 'correct horse battery staple',
      }),
    });
  const answer = await setUp();
  expect([answer.status, await answer.json()]).toMatchObject([200, { user: { name: 'Ada' } }]);
  const [cookie = ''] = answer.headers.getSetCookie().map((header) => header.split(';')[0]);
  expect((await setUp()).status).toBeGreaterThanOrEqual(400);
  const ask = (headers: Record<string, string>) =>
    fetch(`${first.url}/graphql?query=%7Bviewer%7Brole%20person%7Bname%7D%7D%7D`, { headers });
  // Whether there is an owner is looked up once a second.
  await expect.poll(async () => (await ask({})).status, { timeout: 5_000 }).toBe(401);
  expect(await (await ask({ cookie })).json()).toEqual({
    data: { viewer: { role: 'OWNER', person: { name: 'Ada' } } },
  });
  await first.stop();

  const second = await startServer({ databaseUrl, env });
  await expect.poll(() => second.output()).toContain('Ctrl-C stops it.');
  expect(second.output()).not.toContain('setup#token');
  await second.stop();
  await dropTestDatabase(databaseUrl);
});

test.skipIf(own === undefined)(
  'beyond loopback the link is there for a phone, too, and a warning without TLS',
  () =>
    greetingOf({ HIVE_HOST: '0.0.0.0' }, async (output, url) => {
      const { port } = new URL(url);
      const [near, far] = [linkIn(output, url), linkIn(output, `http://${own}:${port}`)];
      expect(near).toBeDefined();
      expect(far?.split('#')[1]).toBe(near?.split('#')[1]);
      expect(output).toMatch(qrCode);
      expect(output).toContain('Others in the network can read what is sent');
      // The page it leads to answers there; nothing else does.
      expect((await fetch(`http://${own}:${port}/graphql?query=%7B__typename%7D`)).status).toBe(401);
    }),
);

test('behind a name of its own the link begins with that', () =>
  greetingOf({ HIVE_PUBLIC_URL: 'https://hive.example' }, (output) => {
    expect(linkIn(output, 'https://hive.example')).toBeDefined();
    expect(linkIn(output, 'http://127.0.0.1')).toBeUndefined();
    expect(output).not.toContain('Warning');
  }));

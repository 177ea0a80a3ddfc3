import { networkInterfaces } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectAccessible } from './accessible.ts';
import { keepCodes, owner, printedSetupPath, signInWithPassword, signOut, untilLive } from './account.ts';
import { install, type Installation } from './installation.ts';
import { dispatch, openGoalId, openPhone } from './phone.ts';

const password = 'a sentence of some length';
let hive: Installation;
beforeAll(async () => {
  hive = await install();
});
afterAll(() => hive.stop());

it('works without an account at the machine itself, and makes one there with a password where passkeys cannot be', async () => {
  const phone = await openPhone(hive.browser, hive.server.url, '/settings');
  const { page, context } = phone;
  await untilLive(page);
  const other = await context.newPage();
  await other.goto('/work');
  await untilLive(other);

  await page.getByRole('heading', { name: 'Only this machine can use this hive' }).waitFor();
  await expectAccessible(phone, 'settings without an owner');
  // What needs an account is no form that ends in a refusal.
  for (const path of ['members', 'members/invite', 'keys', 'keys/new']) {
    await page.goto(`/settings/${path}`);
    await page.getByRole('button', { name: 'Create your account' }).waitFor();
    expect(await page.locator('main').getByRole('button').count(), path).toBe(1);
    expect(await page.locator('main').getByRole('textbox').count(), path).toBe(0);
  }
  await page.getByRole('button', { name: 'Create your account' }).click();
  await page.getByRole('heading', { name: 'Make this hive yours' }).waitFor();
  await page.getByText('Passkeys need a name').waitFor();
  const port = new URL(hive.server.url).port;
  const link = page.getByRole('link', { name: `Go on at localhost:${port}` });
  expect(await link.getAttribute('href')).toMatch(new RegExp(`^http://localhost:${port}/setup#token=.{20,}`));
  await expectAccessible(phone, 'setup at an address');

  await page.getByLabel('Name', { exact: true }).fill(owner.name);
  await page.getByLabel('E-mail').fill(owner.email);
  await page.getByLabel('Password', { exact: true }).fill('too short');
  await page.getByText('9 of at least 12 characters.').waitFor();
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByText(`${password.length} characters: long enough.`).waitFor();
  await page.getByRole('button', { name: 'Create account' }).click();
  await page.getByRole('heading', { name: 'Save your recovery codes' }).waitFor();
  await page.getByRole('button', { name: 'Open the hive' }).click();
  await page.getByText('Save them first: they are not shown again.').waitFor();
  await expectAccessible(phone, 'recovery codes');
  await keepCodes(page, 'Open the hive');
  await untilLive(page);

  // The tab that was open before any account goes on as the person now.
  await other.bringToFront();
  await other.goto('/settings');
  await other.getByText(owner.email).waitFor();
  await other.close();

  await signOut(page);
  await signInWithPassword(page, owner.email, password);
  await untilLive(page);
  await phone.close();
});

it('answers nobody else before they have signed in', async () => {
  const { url } = hive.server;
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query: '{ viewer { role } }' }),
  });
  expect(response.status).toBe(401);
});

const address = Object.values(networkInterfaces())
  .flatMap((each) => each ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)?.address;

it.skipIf(address === undefined)(
  'says what plain HTTP from another machine costs and how to change that, and works with a password all the same',
  async () => {
    const open = await install({ HIVE_HOST: '0.0.0.0' });
    const { port } = new URL(open.server.url);
    const path = await printedSetupPath(open);
    const { page, context } = await openPhone(open.browser, `http://${address}:${port}`, path);
    await page.getByRole('heading', { name: 'This connection is not encrypted' }).waitFor();
    await page.getByText('Three ways to encrypt it').click();
    for (const way of ['HIVE_TLS_CERT', 'HIVE_PUBLIC_URL', 'tailscale serve'])
      await page.getByText(way).first().waitFor();
    expect(await page.getByRole('button', { name: /passkey/ }).count(), 'no dead button').toBe(0);
    await page.getByLabel('Name', { exact: true }).fill(owner.name);
    await page.getByLabel('E-mail').fill(owner.email);
    await page.getByLabel('Password', { exact: true }).fill(password);
    await page.getByRole('button', { name: 'Create account' }).click();
    await keepCodes(page, 'Open the hive');
    await untilLive(page);
    // Browsers keep locks and random UUIDs from such a page; the outbox does without.
    await dispatch(page, 'Explain how this project is laid out');
    await openGoalId(page);
    // Not by `close`: this browser also complains that it ignores headers which mean something only when encrypted.
    await context.close();
    await open.stop();
  },
);

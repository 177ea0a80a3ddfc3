import { goalsQuery } from '@hive/schema/operations/goals.ts';
import { print } from 'graphql';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  becomeOwner,
  keepCodes,
  namedUrl,
  openPhoneWithPasskeys,
  owner,
  printedSetupPath,
  signInWithPassword,
  signOut,
  untilLive,
} from './account.ts';
import { install, type Installation } from './installation.ts';
import { dispatch, openPhone, status, textOf, untilInstalled, type Phone } from './phone.ts';

const guest = { name: 'Grace Hopper', email: 'grace@example.com', password: 'compilers are for people' };
const ownerPassword = 'analytical engines dream';
let hive: Installation;
let url: string;
let desk: Phone;

beforeAll(async () => {
  hive = await install();
  url = namedUrl(hive);
  desk = await openPhoneWithPasskeys(hive.browser, url, await printedSetupPath(hive));
  await becomeOwner(desk);
  const { page } = desk;
  await page.goto('/settings/security');
  await page.getByRole('button', { name: 'Set a password' }).click();
  await page.getByLabel('New password', { exact: true }).fill(ownerPassword);
  await page.getByRole('button', { name: 'Set the password' }).click();
  await page.getByText('Saved. All your other devices have been signed out.').waitFor();
});
afterAll(async () => {
  await desk.close();
  await hive.stop();
});

/** Runs an operation as whoever is signed in on the page. */
async function ask<Data>(page: Page, query: string, variables: Record<string, unknown>): Promise<Data> {
  const answer = await page.evaluate(async (body) => {
    const headers = { 'content-type': 'application/json' };
    const response = await fetch('/graphql', { method: 'POST', headers, body });
    return (await response.json()) as unknown;
  }, JSON.stringify({ query, variables }));
  return (answer as { data: Data }).data;
}

async function invite(role: string, access: Record<string, unknown> = {}): Promise<string> {
  const { inviteMember } = await ask<{ inviteMember: { url: string } }>(
    desk.page,
    `mutation Invite($input: InviteMemberInput!) { inviteMember(input: $input) { ... on InvitationLink { url } ... on Error { message } } }`,
    { input: { role, ...access } },
  );
  expect(inviteMember.url).toContain('/join#token=');
  const { pathname, hash } = new URL(inviteMember.url);
  return pathname + hash;
}

const goalsCalled = async (text: string) => {
  const { goals } = await ask<{ goals: { edges: { node: { text: string } }[] } }>(
    desk.page,
    print(goalsQuery),
    {
      first: 100,
    },
  );
  return goals.edges.filter(({ node }) => node.text === text).length;
};

it('lets somebody join by a link, with an account of their own', async () => {
  const phone = await openPhone(hive.browser, url, await invite('OPERATOR'));
  const { page } = phone;
  await page.getByRole('heading', { name: /^Join / }).waitFor();
  await page.getByText(/^\s*Operator/).waitFor();
  await page.getByLabel('Name', { exact: true }).fill(guest.name);
  await page.getByLabel('E-mail').fill(guest.email);
  await page.getByRole('button', { name: 'Use a password instead' }).click();
  await page.getByLabel('Password', { exact: true }).fill(guest.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  expect(await keepCodes(page, 'Open the hive')).toHaveLength(10);
  await untilLive(page);
  await page.goto('/settings');
  await page.getByText(guest.email).waitFor();
  expect(await textOf(page.locator('hive-settings-view'))).toContain('Operator of');
  await phone.close();
});

it('offers somebody who works in one project that one, and not to work outside of it', async () => {
  const { projects } = await ask<{ projects: { edges: { node: { id: string } }[] } }>(
    desk.page,
    '{ projects(first: 1) { edges { node { id } } } }',
    {},
  );
  const grants = [{ projectId: projects.edges[0]!.node.id, role: 'OPERATOR' }];
  const phone = await openPhone(
    hive.browser,
    url,
    await invite('VIEWER', { projectAccess: 'GRANTED', grants }),
  );
  const { page } = phone;
  await page.getByLabel('Name', { exact: true }).fill('Rita Levi');
  await page.getByLabel('E-mail').fill('rita@example.com');
  await page.getByRole('button', { name: 'Use a password instead' }).click();
  await page.getByLabel('Password', { exact: true }).fill(guest.password);
  await page.getByRole('button', { name: 'Create account' }).click();
  await keepCodes(page, 'Open the hive');
  await untilLive(page);
  await expect.poll(() => page.getByLabel('Project').locator('option').count()).toBe(1);
  // Opened anew, with what she may do known before the form is drawn.
  await page.reload();
  await untilLive(page);
  await expect.poll(() => page.getByLabel('Project').locator('option').count()).toBe(1);
  expect(await page.getByLabel('Project').textContent()).not.toContain('No project');
  await phone.close();
});

it('says of a link that was used, or taken back, that it is over', async () => {
  const phone = await openPhone(hive.browser, url, '/join#token=not-a-token-of-this-hive');
  await phone.page.getByRole('heading', { name: 'This invitation is over' }).waitFor();
  await phone.close();
});

it('lets somebody who is signed in hand an invitation on to another account, and spends none on a member', async () => {
  const link = await invite('VIEWER');
  const phone = await openPhone(hive.browser, url, '/sign-in');
  const { page, context } = phone;
  await signInWithPassword(page, guest.email, guest.password);
  await untilLive(page);
  const other = await context.newPage();
  await other.goto(link);
  await other.getByRole('button', { name: `Join as ${guest.name}` }).click();
  await other.getByRole('heading', { name: 'You are a member already' }).waitFor();
  await other.goto('about:blank');
  await other.goto(url + link);
  await other.getByRole('button', { name: 'Sign out and join as somebody else' }).click();
  await other.getByRole('link', { name: 'I have an account here' }).waitFor();
  await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();

  // Signed in at the door of one tab is signed in at the other's.
  await page.goto('/sign-in');
  await page.getByLabel('E-mail').waitFor();
  await other.getByRole('link', { name: 'I have an account here' }).click();
  // The page before has a field of that name, too.
  await other.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
  await signInWithPassword(other, guest.email, guest.password);
  await other.getByRole('heading', { name: /^Join / }).waitFor();
  await other.goto('/work');
  await untilLive(page);
  await untilLive(other);
  await phone.close();
});

it('keeps what one person left unsent from the next, and sends it when they are back', async () => {
  const text = 'List the open questions, for Ada alone';
  const phone = await openPhone(hive.browser, url, '/sign-in');
  const { page, context } = phone;
  await signInWithPassword(page, owner.email, ownerPassword);
  await untilLive(page);
  await dispatch(page, 'Explain how this project is laid out');
  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Done');
  await page.goto('/work');
  await page.getByText('Explain how this project is laid out').waitFor();
  await page.goto('/');
  await untilLive(page);
  await untilInstalled(page);
  await context.setOffline(true);
  await page.getByText('Offline', { exact: true }).waitFor();
  await dispatch(page, text);
  await page.getByText('Offline · 1 action waiting').waitFor();

  // Opens without the network as the same person, with what they had.
  await page.reload();
  await page.getByText('Offline · 1 action waiting').waitFor();
  await page.goto('/settings');
  await page.getByText(owner.email).waitFor();

  // Ended elsewhere while this phone was away.
  await desk.page.evaluate(() =>
    fetch('/api/auth/hive/sessions/revoke-others', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    }),
  );
  await context.setOffline(false);
  await page.getByRole('heading', { name: 'Signed out here' }).waitFor();
  await page
    .getByText(`1 action waits on this device, to be sent when ${owner.name} signs in again.`)
    .waitFor();
  expect(await goalsCalled(text)).toBe(0);

  await signInWithPassword(page, guest.email, guest.password);
  await untilLive(page);
  await page.goto('/outbox');
  await page.getByText('Everything is sent').waitFor();
  await page.goto('/settings');
  await page.getByText(guest.email).waitFor();
  const names = await page.evaluate(async () => {
    const read = async (name: string): Promise<string> => {
      const open = indexedDB.open(name);
      const database = await new Promise<IDBDatabase>(
        (resolve) => (open.onsuccess = () => resolve(open.result)),
      );
      const all = database.transaction('entries').objectStore('entries').getAll();
      const rows = await new Promise((resolve) => (all.onsuccess = () => resolve(all.result)));
      database.close();
      return JSON.stringify(rows);
    };
    const databases = (await indexedDB.databases()).flatMap(({ name }) => name ?? []);
    return Promise.all(databases.filter((name) => name.startsWith('hive-graphcache:')).map(read));
  });
  expect(names.join(' '), 'nothing of the one before').not.toContain(owner.email);
  expect(await goalsCalled(text)).toBe(0);

  await signOut(page);
  await signInWithPassword(page, owner.email, ownerPassword);
  await untilLive(page);
  await expect.poll(() => goalsCalled(text), { timeout: 20_000 }).toBe(1);
  await phone.close();
});

it('asks before signing out drops what was not sent', async () => {
  const phone = await openPhone(hive.browser, url, '/sign-in');
  const { page, context } = phone;
  await signInWithPassword(page, guest.email, guest.password);
  await untilLive(page);
  await page.route('**/graphql', (route) =>
    /DispatchGoal/.test(route.request().postData() ?? '') ? route.abort() : route.continue(),
  );
  await dispatch(page, 'Never to be sent');
  // Stored, and refused by the network: leaving the page any sooner would be leaving before it was taken on.
  await page.locator('hive-pending').getByText('Never to be sent').waitFor();
  await page.goto('/settings');
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByText('1 action you took on this device has not been sent.', { exact: false }).waitFor();
  await page.getByRole('button', { name: 'Stay' }).click();
  await page.getByText(guest.email).waitFor();
  await page.getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
  await page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
  await page.unroute('**/graphql');
  await signInWithPassword(page, guest.email, guest.password);
  await untilLive(page);
  await page.goto('/outbox');
  await page.getByText('Everything is sent').waitFor();
  expect(await goalsCalled('Never to be sent')).toBe(0);
  await context.clearCookies();
  await phone.close();
});

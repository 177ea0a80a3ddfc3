import { readFileSync } from 'node:fs';
import { createApiKeyMutation } from '@hive/schema/operations/api-keys.ts';
import { cancelTaskMutation, createTaskMutation } from '@hive/schema/operations/tasks.ts';
import { dispatchGoalMutation } from '@hive/schema/operations/goals.ts';
import { agentsQuery } from '@hive/schema/operations/agents.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Page } from 'playwright-core';
import { request, requestData } from '../support/graphql-client.ts';
import {
  becomeOwner,
  keepCodes,
  namedUrl,
  openPhoneWithPasskeys,
  owner,
  printedSetupPath,
  untilLive,
} from './account.ts';
import { expectAccessible } from './accessible.ts';
import { install, type Installation } from './installation.ts';
import { openPhone, textOf, type Phone } from './phone.ts';

const grace = { name: 'Grace Hopper', email: 'grace@example.com', password: 'four words nobody joins' };

let hive: Installation;
let url: string;
let ownersPhone: Phone;
let gracesPhone: Phone;
beforeAll(async () => {
  hive = await install();
  url = namedUrl(hive);
  ownersPhone = await openPhoneWithPasskeys(hive.browser, url, await printedSetupPath(hive));
  await becomeOwner(ownersPhone);
});
afterAll(() => hive.stop());

const secretOnScreen = (page: Page) => page.locator('hive-secret-once output').textContent();

/** What the person is asked before something dangerous, when they have not just answered it. */
async function confirmIfAsked(page: Page, done: Promise<unknown>): Promise<void> {
  const asked = page.getByRole('button', { name: 'Confirm with passkey' });
  const first = await Promise.race([done.then(() => 'done'), asked.waitFor().then(() => 'asked')]);
  if (first === 'asked') await asked.click();
  await done;
}

/** Everything the browser keeps, as text: for what must not be in it. */
const keptOnDevice = (page: Page) =>
  page.evaluate(async () => {
    const kept: unknown[] = [Object.entries(localStorage), Object.entries(sessionStorage)];
    for (const { name } of await indexedDB.databases()) {
      const database = await new Promise<IDBDatabase>((resolve, reject) => {
        const opening = indexedDB.open(name!);
        opening.onsuccess = () => resolve(opening.result);
        opening.onerror = () => reject(new Error(`cannot open ${name}`));
      });
      for (const store of database.objectStoreNames) {
        const reading = database.transaction(store).objectStore(store);
        const [keys, values] = await Promise.all(
          [reading.getAllKeys(), reading.getAll()].map(
            (asking) =>
              new Promise<unknown>((resolve) => {
                asking.onsuccess = () => resolve(asking.result);
              }),
          ),
        );
        kept.push(keys, values);
      }
      database.close();
    }
    return JSON.stringify(kept);
  });

describe('members', () => {
  it('join by a link that is shown once, and appear in the list', async () => {
    const { page } = ownersPhone;
    await page.goto('/settings/members');
    await page.getByRole('link', { name: 'Invite someone' }).click();
    await page.getByRole('radio', { name: /^Viewer/ }).check();
    await page.getByLabel('Who is it for?').fill('Grace');
    await page.getByRole('button', { name: 'Make the link' }).click();
    await page.getByRole('heading', { name: 'The invitation is ready' }).waitFor();
    const link = new URL((await secretOnScreen(page))!);
    await page.getByRole('img', { name: 'The invitation as a QR code' }).waitFor();
    expect(await keptOnDevice(page)).not.toContain(link.hash.slice('#token='.length));
    await page.getByRole('button', { name: 'Done' }).click();
    await page.getByRole('heading', { name: 'Grace', exact: true }).waitFor();

    gracesPhone = await openPhone(hive.browser, url, `/join${link.hash}`);
    const graces = gracesPhone.page;
    await graces.getByRole('button', { name: 'Use a password instead' }).click();
    await graces.getByLabel('Name', { exact: true }).fill(grace.name);
    await graces.getByLabel('E-mail').fill(grace.email);
    await graces.getByLabel('Password', { exact: true }).fill(grace.password);
    await graces.getByRole('button', { name: 'Create account', exact: true }).click();
    await keepCodes(graces, 'Open the hive');
    await untilLive(graces);

    await page.reload();
    await page.locator('hive-entry', { hasText: grace.name }).waitFor();
    await page.getByText('None. A link you make waits here').waitFor();
  });

  it('get what a change of their role gives them, without doing anything', async () => {
    const graces = gracesPhone.page;
    await graces.goto('/dispatch');
    await graces.getByRole('heading', { name: 'You follow the work here' }).waitFor();
    expect(await graces.getByRole('button', { name: 'Dispatch', exact: true }).count()).toBe(0);

    await changeRole('Operator');
    await graces.getByRole('button', { name: 'Dispatch', exact: true }).waitFor();
    await changeRole('Viewer');
    await graces.getByRole('heading', { name: 'You follow the work here' }).waitFor();
  });

  it('are told nothing they may not know: when somebody was here is for admins', async () => {
    const graces = gracesPhone.page;
    await graces.goto('/settings/members');
    await graces.getByText(owner.name).waitFor();
    expect(await textOf(graces.locator('hive-members-view'))).not.toMatch(/seen/);
    await graces.getByText(owner.name).click();
    await graces.getByRole('heading', { name: owner.name }).waitFor();
    expect(await textOf(graces.locator('hive-member-view dl'))).not.toMatch(/seen/i);
  });

  it('cannot be left without an owner', async () => {
    const { page } = ownersPhone;
    await page.goto('/settings/members');
    await page.getByText(`${owner.name} (you)`).click();
    await page.getByRole('heading', { name: 'The only owner' }).waitFor();
    expect(await page.getByRole('button', { name: /Leave|Remove/ }).count()).toBe(0);
    await page.goto('/settings/workspace');
    await page.getByRole('heading', { name: 'The only owner' }).waitFor();
    expect(await page.getByRole('button', { name: /^Leave/ }).count()).toBe(0);
  });
});

async function changeRole(role: string): Promise<void> {
  const { page } = ownersPhone;
  await page.goto('/settings/members');
  await page.getByText(grace.name).click();
  await page.getByRole('radio', { name: new RegExp(`^${role}`) }).check();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.locator('dl', { hasText: role }).waitFor();
}

describe('keys', () => {
  const whoAsks = (secret: string) =>
    request(url, '{ viewer { role person { name } } }', {}, { authorization: `Bearer ${secret}` });
  let first: string;

  it('are made with the rights one picks, shown once, and work', async () => {
    const { page } = ownersPhone;
    await page.goto('/settings/keys');
    await page.getByText('No key works at the moment').waitFor();
    await page.getByRole('link', { name: 'New key' }).click();
    await page.getByRole('button', { name: 'Make the key' }).click();
    await page.getByText('Say what it is for.').waitFor();
    await page.getByLabel('What is it for?').fill('Nightly report');
    await page.getByRole('radio', { name: /^Operator/ }).check();
    await page.getByRole('radio', { name: /^Create and follow tasks/ }).check();
    await page.getByLabel('It works for').selectOption({ label: '30 days' });
    await page.getByRole('button', { name: 'Make the key' }).click();
    await page.getByRole('heading', { name: '“Nightly report” is ready' }).waitFor();
    first = (await secretOnScreen(page))!;
    expect(first).toMatch(/^hive_[0-9A-Za-z]{49}$/);
    expect(await textOf(page.locator('hive-key-secret pre'))).toContain(`curl ${url}/graphql`);
    expect(await keptOnDevice(page)).not.toContain(first);
    expect((await whoAsks(first)).data).toMatchObject({ viewer: { role: 'OPERATOR' } });
    await page.getByRole('button', { name: 'I have kept it' }).click();
    await page.getByText('Nightly report').click();
    expect(await textOf(page.locator('hive-keys-view dl'))).toContain('Create and follow tasks');
  });

  it('are rotated with an overlap in which both work, and revoked', async () => {
    const { page } = ownersPhone;
    await page.getByRole('button', { name: 'Rotate', exact: true }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Rotate' }).click();
    await page.getByText(/The old one works until/).waitFor();
    const second = (await secretOnScreen(page))!;
    expect(second).not.toBe(first);
    expect((await whoAsks(first)).data).toBeTruthy();
    expect((await whoAsks(second)).data).toBeTruthy();
    await page.getByRole('button', { name: 'I have kept it' }).click();

    // The new key has come in above it: what was open is the one that still is.
    const isOpen = (details: HTMLDetailsElement) => details.open;
    const rotated = page.locator('details.key', { hasText: second.slice(0, 9) });
    await rotated.waitFor();
    expect(await rotated.evaluate(isOpen)).toBe(false);
    const old = page.locator('details.key', { hasText: first.slice(0, 9) });
    expect(await old.evaluate(isOpen)).toBe(true);
    await old.getByRole('button', { name: 'Revoke' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Revoke' }).click();
    await expect
      .poll(async () => (await whoAsks(first)).errors?.[0]?.extensions?.code, { timeout: 4_000 })
      .toBe('UNAUTHENTICATED');
    expect((await whoAsks(second)).data).toBeTruthy();
    await page.getByText('Revoked and expired').click();
    await page.locator('.ended', { hasText: first.slice(0, 9) }).waitFor();
  });
});

it('says of what cannot wait that it needs a connection, and sends none of it later', async () => {
  const { page, context } = ownersPhone;
  await page.goto('/settings/keys/new');
  await page.getByLabel('What is it for?').fill('Never made');
  await context.setOffline(true);
  await page.getByText('Offline', { exact: true }).waitFor();
  await page.getByRole('button', { name: 'Make the key' }).click();
  await page.getByText('You need to be online for this.').waitFor();
  await context.setOffline(false);
  await untilLive(page);
  await page.goto('/settings/keys');
  await page.locator('details.key').first().waitFor();
  expect(await page.getByText('Never made').count()).toBe(0);
});

describe('the audit trail', () => {
  it('shows who did what, narrows by conditions that stand in the address, and opens an entry', async () => {
    const { page } = ownersPhone;
    await page.goto('/settings/audit');
    await page.getByText('Rotate an API key').first().waitFor();
    await page.getByText('Filter', { exact: true }).click();
    await page.getByLabel('About').selectOption({ label: 'Members' });
    await expect.poll(() => new URL(page.url()).search).toBe('?about=member');
    await expect.poll(() => page.getByText('Rotate an API key').count()).toBe(0);
    await page.reload();
    const change = page.locator('hive-audit-entry', { hasText: 'Change a member' }).first();
    await change.locator('summary').click();
    await change.getByText('Sealed: its hash is part of the chain').waitFor({ timeout: 30_000 });
    const text = await textOf(change);
    expect(text).toContain(owner.name);
    expect(text).toContain('member.change');
    expect(text).toContain('VIEWER');
  });

  it('leaves as a file once the owner has confirmed who they are', async () => {
    const { page } = ownersPhone;
    await page.getByText(/sealed in a chain/).click();
    const downloading = page.waitForEvent('download');
    await page.getByRole('button', { name: 'Export as JSON Lines' }).click();
    await confirmIfAsked(page, downloading);
    const lines = readFileSync(await (await downloading).path(), 'utf8')
      .trim()
      .split('\n');
    expect(lines.length).toBeGreaterThan(3);
    for (const line of lines) JSON.parse(line);
    expect(lines.join('')).not.toContain(grace.password);
  });
});

describe('devices', () => {
  it('are listed with the present one marked, and end when told to', async () => {
    const { page } = gracesPhone;
    const other = await openPhone(hive.browser, url, '/sign-in');
    await other.page.getByLabel('E-mail').fill(grace.email);
    await other.page.getByLabel('Password', { exact: true }).fill(grace.password);
    await other.page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await untilLive(other.page);
    await page.goto('/settings/sessions');
    await page.getByText('This device', { exact: true }).waitFor();
    await page.getByRole('button', { name: /^Sign out (?!everywhere)/ }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Sign out' }).click();
    await page.getByText('You are signed in nowhere else.').waitFor();
    await other.page.getByRole('heading', { name: 'Signed out here' }).waitFor();
    await other.close();
  });
});

describe('workspaces', () => {
  it('are made, hold nothing of the first one, and are switched from any page', async () => {
    const { page } = ownersPhone;
    await page.goto('/settings/workspace');
    await page.getByText('New workspace').click();
    await page.locator('#new-name').fill('Field team');
    expect(await page.getByLabel('Short name').inputValue()).toBe('field-team');
    await page.getByRole('button', { name: 'Make the workspace' }).click();
    await page.getByText('You are owner of Field team.').waitFor();
    await page.goto('/settings/members');
    await page.getByText(`${owner.name} (you)`).waitFor();
    expect(await page.locator('hive-entry', { hasText: grace.name }).count()).toBe(0);

    await page.goto('/work');
    await page.getByText('Field team').first().waitFor();
    await page.getByRole('button', { name: /workspaces and settings/ }).click();
    await page.locator('hive-workspace-list button', { hasNotText: 'you are here' }).click();
    await untilLive(page);
    await page.goto('/settings/members');
    await page.locator('hive-entry', { hasText: grace.name }).waitFor();
  });
});

describe.each(['light', 'dark'] as const)('every page in %s', (colorScheme) => {
  it('has nothing that axe objects to, and fits the phone', async () => {
    const { page } = ownersPhone;
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.goto('/settings/members');
    const member = page.locator('hive-entry', { hasText: grace.name }).getByRole('link');
    const paths = [
      (await member.getAttribute('href'))!,
      ...['members', 'members/invite', 'keys', 'keys/new', 'audit', 'sessions'].map(
        (name) => `/settings/${name}`,
      ),
      ...['workspace', 'secrets', 'privacy', 'models', 'projects', 'about'].map(
        (name) => `/settings/${name}`,
      ),
      '/settings',
      '/work',
    ];
    for (const path of paths) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await untilLive(page);
      await expect.poll(() => page.locator('hive-skeleton').count()).toBe(0);
      await page.evaluate(() => {
        const open = (root: ParentNode) => {
          for (const each of root.querySelectorAll('*')) {
            if (each instanceof HTMLDetailsElement) each.open = true;
            if (each.shadowRoot) open(each.shadowRoot);
          }
        };
        open(document);
      });
      await expectAccessible(ownersPhone, path);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow, `${path} scrolls sideways`).toBe(0);
    }
    await page.getByRole('button', { name: /workspaces and settings/ }).click();
    await page.locator('hive-workspace-list').waitFor();
    await expectAccessible(ownersPhone, 'the switcher');
    await page.keyboard.press('Escape');
    await page.goto('/settings/privacy');
    await page.getByRole('button', { name: 'Erase my account' }).click();
    await page.getByRole('button', { name: 'Erase for good' }).click();
    await page.getByText('Nothing has happened yet.').waitFor();
    await expectAccessible(ownersPhone, 'the question before erasing');
  });
});

describe('a viewer', () => {
  const mutation = /^\s*mutation/;
  const leaves = /^(Sign out|Leave|Erase)/;

  /** One of everything a button could be about. */
  async function arrangeWork(): Promise<string[]> {
    const cookie = (await ownersPhone.context.cookies())
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ');
    const asOwner = { cookie, origin: url };
    const made = await requestData(
      url,
      createApiKeyMutation,
      { input: { name: 'Arranging', role: 'ADMIN', scopes: ['*'] } },
      asOwner,
    );
    if (made.createApiKey.__typename !== 'ApiKeySecret') throw new Error(made.createApiKey.message);
    const key = { authorization: `Bearer ${made.createApiKey.secret}` };
    const { dispatchGoal } = await requestData(
      url,
      dispatchGoalMutation,
      { input: { text: 'Summarise this project', autoStart: false } },
      key,
    );
    const input = { title: 'Nobody can', instruction: 'Nothing.', capabilities: ['flying'] };
    const tasks = await Promise.all(
      [1, 2].map(async () => {
        const { createTask } = await requestData(url, createTaskMutation, { input }, key);
        if (createTask.__typename !== 'Task') throw new Error(createTask.message);
        return createTask.id;
      }),
    );
    await requestData(url, cancelTaskMutation, { input: { taskId: tasks[0]! } }, key);
    const { agents } = await requestData(url, agentsQuery, { first: 1 }, key);
    if (dispatchGoal.__typename !== 'Goal') throw new Error(dispatchGoal.message);
    return [
      `/work/goals/${encodeURIComponent(dispatchGoal.id)}`,
      `/dispatch/${encodeURIComponent(dispatchGoal.id)}`,
      ...tasks.map((id) => `/work/tasks/${encodeURIComponent(id)}`),
      `/fleet/${encodeURIComponent(agents.edges[0]!.node.id)}`,
    ];
  }

  it('finds no button anywhere that answers with a refusal', { timeout: 400_000 }, async () => {
    const { page } = gracesPhone;
    const pages = [
      ...(await arrangeWork()),
      ...['/', '/work', '/work/tasks', '/fleet', '/outbox', '/settings'],
      ...['workspace', 'members', 'members/invite', 'keys', 'keys/new', 'audit', 'secrets', 'models'].map(
        (name) => `/settings/${name}`,
      ),
      ...['/settings/projects', '/settings/privacy', '/settings/about', '/settings/sessions'],
    ];
    const refusals: string[] = [];
    const sent: string[] = [];
    const pressed: string[] = [];
    let at = '';
    page.on('response', async (response) => {
      if (!response.url().endsWith('/graphql')) return;
      const asked = response.request().postData() ?? '';
      const text = await response.text().catch(() => '');
      if (mutation.test((JSON.parse(asked) as { query?: string }).query ?? '')) sent.push(at);
      if (/"ForbiddenError"|"FORBIDDEN"/.test(text)) refusals.push(`${at}: ${text.slice(0, 200)}`);
    });
    const open = async (path: string) => {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await untilLive(page);
      await expect.poll(() => page.locator('hive-skeleton').count()).toBe(0);
    };
    const buttonsOf = (on: Page) =>
      on.locator('main').getByRole('button').and(on.locator(':visible:enabled'));
    const namesOf = (on: Page) =>
      buttonsOf(on).evaluateAll((all) => all.map((each) => each.textContent?.trim() ?? ''));
    for (const path of pages) {
      await open(path);
      const buttons = buttonsOf(page);
      const names = await namesOf(page);
      for (const [index, name] of names.entries()) {
        if (leaves.test(name)) continue;
        at = `${path} “${name}”`;
        pressed.push(at);
        if (index > 0) await open(path);
        await buttons.nth(index).click();
        const dialog = page.getByRole('dialog').getByRole('button').last();
        if (await dialog.isVisible()) await dialog.click();
        await page.waitForLoadState('networkidle');
      }
    }
    expect(pressed.length, 'there is something to press').toBeGreaterThan(0);
    expect(refusals).toEqual([]);
    expect(sent, 'a viewer has nothing to change').toEqual([]);

    const owners: string[] = [];
    for (const path of pages.slice(0, 5)) {
      await ownersPhone.page.goto(path);
      await untilLive(ownersPhone.page);
      await expect.poll(() => ownersPhone.page.locator('hive-skeleton').count()).toBe(0);
      owners.push(...(await namesOf(ownersPhone.page)));
    }
    expect(owners, 'where the owner has').toEqual(
      expect.arrayContaining([
        'Accept and start',
        'Cancel goal',
        'Retry task',
        'Cancel task',
        'Pause',
        'Retire agent',
      ]),
    );
  });

  it('is removed, and told so on the page that is open', async () => {
    const { page } = ownersPhone;
    await gracesPhone.page.goto('/work');
    await untilLive(gracesPhone.page);
    await page.goto('/settings/members');
    await page.getByText(grace.name).click();
    await page.getByRole('button', { name: `Remove ${grace.name}` }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Remove' }).click();
    await page.getByRole('heading', { name: 'Members', level: 1 }).waitFor();
    await expect.poll(() => page.locator('hive-entry', { hasText: grace.name }).count()).toBe(0);
    await gracesPhone.page
      .getByRole('heading', { level: 1, name: /Signed out here|not a member|no workspace/i })
      .waitFor();
    await gracesPhone.close();
    await ownersPhone.close();
  });
});

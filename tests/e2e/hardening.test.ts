import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dispatch, openPhone, status, untilInstalled } from './phone.ts';
import { install, type Installation } from './installation.ts';

/** The strictest there is: the app must get by with its own operations, and without the schema. */
let hive: Installation;
beforeAll(async () => {
  hive = await install({ HIVE_DOCUMENTS: 'persisted', HIVE_INTROSPECTION: 'off' });
});
afterAll(() => hive.stop());

const paths = [
  '/',
  '/work',
  '/work/tasks',
  '/fleet',
  '/settings',
  '/outbox',
  '/nowhere',
  '/setup',
  '/sign-in',
  '/join',
  '/pair',
];

async function settle(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).first().waitFor();
  await expect.poll(() => page.locator('hive-skeleton').count()).toBe(0);
}

it('does its main job on every page within its content policy, with persisted documents only', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page } = phone;
  const refused: string[] = [];
  page.on('response', (response) => {
    if (response.url().endsWith('/graphql') && response.status() >= 400)
      refused.push(response.request().postData() ?? '');
  });
  await untilInstalled(page);
  await page.getByLabel('Goal', { exact: true }).waitFor();
  await dispatch(page, 'Explain how this project is laid out and where events come from');
  await status(page).filter({ hasText: 'Done' }).waitFor();
  const links = new Set<string>();
  for (const path of [...paths, new URL(page.url()).pathname]) {
    await page.goto(path);
    await settle(page);
    for (const href of await page
      .locator('a[href^="/"]')
      .evaluateAll((all) => all.map((a) => a.getAttribute('href')!)))
      if (!links.has(href) && !paths.includes(href)) links.add(href);
  }
  for (const path of [...links].slice(0, 25)) {
    await page.goto(path);
    await settle(page);
  }
  expect(refused).toEqual([]);
  await phone.close();
});

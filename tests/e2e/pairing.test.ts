import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  becomeOwner,
  namedUrl,
  openPhoneWithPasskeys,
  owner,
  printedSetupPath,
  untilLive,
} from './account.ts';
import { install, type Installation } from './installation.ts';
import { dispatch, openGoalId, openPhone, status, textOf, type Phone } from './phone.ts';

let hive: Installation;
let url: string;
let first: Phone;

beforeAll(async () => {
  hive = await install();
  url = namedUrl(hive);
  first = await openPhoneWithPasskeys(hive.browser, url, await printedSetupPath(hive));
  await becomeOwner(first);
});
afterAll(async () => {
  await first.close();
  await hive.stop();
});

/** Shows a code on the first device. @returns the path of the link in it */
async function showCode(page: Page): Promise<string> {
  const answer = page.waitForResponse('**/api/auth/hive/pair/start');
  await page.goto('/pair');
  const offer = (await (await answer).json()) as { url: string };
  await page.getByRole('img', { name: 'Code that signs another device in' }).waitFor();
  const { pathname, hash } = new URL(offer.url);
  return pathname + hash;
}

async function pair(path: string, deviceName: string): Promise<Phone> {
  const phone = await openPhone(hive.browser, url, path);
  const { page } = phone;
  await page.getByRole('heading', { name: 'Sign in on this device' }).waitFor();
  expect(new URL(page.url()).hash, 'the token is not kept in the address').toBe('');
  await page.getByLabel('Name of this device').fill(deviceName);
  await page.getByRole('button', { name: 'Sign in on this device' }).click();
  await untilLive(page);
  return phone;
}

it('signs a second device in with the code the first one shows, and tells the first', async () => {
  const path = await showCode(first.page);
  const second = await pair(path, 'Kitchen tablet');
  await first.page.getByText('Kitchen tablet is signed in', { exact: true }).waitFor();
  // No step back to the page that would now show a code itself.
  await second.page.goBack().catch(() => undefined);
  expect(new URL(second.page.url()).pathname).not.toBe('/pair');
  await second.page.goto('/settings');
  await second.page.getByText(owner.email).waitFor();

  const third = await openPhone(hive.browser, url, path);
  await third.page.getByRole('button', { name: 'Sign in on this device' }).click();
  await third.page.getByRole('heading', { name: 'This code is over' }).waitFor();
  await third.close();
  await second.close();
});

it('takes it back at once: the second device shows the sign-in page within two seconds, and nothing it had seen', async () => {
  const second = await pair(await showCode(first.page), 'Somebody else');
  const { page } = second;
  await dispatch(page, 'Explain where events come from');
  const goal = await openGoalId(page);
  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Done');
  const cache = () =>
    page.evaluate(async () => {
      const databases = await indexedDB.databases();
      return databases
        .flatMap(({ name }) => name ?? [])
        .filter((name) => name.startsWith('hive-graphcache:'));
    });
  expect(await cache()).toHaveLength(1);

  await first.page.getByText('Somebody else is signed in', { exact: true }).waitFor();
  await first.page.getByRole('button', { name: 'That was not me: sign it out' }).click();
  const began = performance.now();
  await page.getByRole('heading', { name: 'Signed out here' }).waitFor();
  const tookMs = performance.now() - began;
  await first.page.getByText('Somebody else is signed out again', { exact: true }).waitFor();
  await first.page.getByRole('heading', { name: 'Not paired' }).waitFor();
  expect(new URLSearchParams(new URL(page.url()).search).get('to')).toBe(
    `/dispatch/${encodeURIComponent(goal)}`,
  );
  // The limit of capability 6 with what a page needs to notice and to draw.
  expect(tookMs).toBeLessThan(3_000);

  await page.reload();
  await page.getByRole('heading', { name: /Sign in|Signed out here/ }).waitFor();
  await page.goBack().catch(() => undefined);
  await page.getByRole('heading', { name: /Sign in|Signed out here/ }).waitFor();
  expect(await textOf(page.locator('hive-app'))).not.toContain('Explain where events come from');
  await second.close();
});

it('shows on the sign-in page of a device that is not signed in where codes come from', async () => {
  const other = await openPhone(hive.browser, url, '/pair');
  await other.page.getByText('Codes are shown on a device that is signed in already.').waitFor();
  await other.page.getByRole('link', { name: 'Sign in' }).click();
  await other.page.getByRole('heading', { name: 'Sign in', exact: true }).waitFor();
  await other.close();
});

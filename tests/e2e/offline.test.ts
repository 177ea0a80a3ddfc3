import { goalsQuery } from '@hive/schema/operations/goals.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requestData } from '../support/graphql-client.ts';
import { install, type Installation } from './installation.ts';
import { dispatch, openPhone, status, textOf, untilInstalled } from './phone.ts';

let hive: Installation;
beforeAll(async () => {
  hive = await install();
});
afterAll(() => hive.stop());

const goalsCalled = async (text: string) => {
  const { goals } = await requestData(hive.server.url, goalsQuery, { first: 100 });
  return goals.edges.filter(({ node }) => node.text === text).length;
};

/** Runs in the page: all that the cache has written to IndexedDB. */
async function readStoredCache(): Promise<string> {
  const open = indexedDB.open('hive-graphcache');
  const database = await new Promise<IDBDatabase>((resolve) => (open.onsuccess = () => resolve(open.result)));
  const all = database.transaction('entries').objectStore('entries').getAll();
  const entries = await new Promise((resolve) => (all.onsuccess = () => resolve(all.result)));
  database.close();
  return JSON.stringify(entries);
}

it('stays readable without a network, says how old it is, and opens from nothing', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page, context } = phone;
  await dispatch(page, 'Explain where events come from');
  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Done');
  await expect.poll(() => textOf(page.locator('hive-output hive-markdown'))).toContain('event');
  const answer = await textOf(page.locator('hive-output hive-markdown'));
  await page.getByText('Live', { exact: true }).waitFor();
  await untilInstalled(page);
  await page.goto('/work');
  await page.getByText('Explain where events come from').waitFor();
  await expect.poll(() => page.evaluate(readStoredCache)).toContain('goals(');

  await context.setOffline(true);
  await page.getByText('Offline', { exact: true }).waitFor();
  await page.getByText(/^As of \d\d:\d\d$/).waitFor();
  expect(await page.locator('html').getAttribute('data-frozen')).toBe('');
  await page.locator('hive-row', { hasText: 'Explain where events come from' }).locator('a').click();
  await expect.poll(() => textOf(page.locator('hive-output hive-markdown'))).toBe(answer);

  await page.reload();
  await page.getByText('Offline', { exact: true }).waitFor();
  await page.getByText(/^As of \d\d:\d\d$/).waitFor();
  await expect.poll(() => textOf(page.locator('hive-output hive-markdown'))).toBe(answer);
  await page.goto('/work');
  await page.getByText('Explain where events come from').waitFor();

  await context.setOffline(false);
  await page.getByText('Live', { exact: true }).waitFor();
  await expect.poll(() => page.locator('hive-connection-bar .bar').count()).toBe(0);
  await phone.close();
});

it('keeps a goal dispatched offline, through a reload, and sends it exactly once', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page, context } = phone;
  await page.getByText('Live', { exact: true }).waitFor();
  await untilInstalled(page);
  const text = 'List the open questions of the station';
  await context.setOffline(true);
  await page.getByText('Offline', { exact: true }).waitFor();
  await dispatch(page, text);
  await page.getByText('Offline · 1 action waiting').waitFor();
  await page.getByText('Waiting for the connection. It is sent by itself.').waitFor();

  await page.reload();
  await page.getByText('Offline · 1 action waiting').click();
  await page.getByRole('heading', { name: 'Outbox' }).waitFor();
  await page.getByText(text).waitFor();
  expect(await goalsCalled(text)).toBe(0);

  const twin = await context.newPage();
  await context.setOffline(false);
  await twin.goto('/outbox');
  await expect.poll(() => goalsCalled(text), { timeout: 20_000 }).toBe(1);
  await page.getByText('Everything is sent').waitFor();
  await page.goto('/work');
  await page.locator('hive-row', { hasText: text }).getByText(/^Done/).waitFor();
  expect(await goalsCalled(text)).toBe(1);
  await phone.close();
});

it('takes back an action that has not been sent', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page, context } = phone;
  await page.getByText('Live', { exact: true }).waitFor();
  await context.setOffline(true);
  await page.getByText('Offline', { exact: true }).waitFor();
  await dispatch(page, 'Something nobody wants any more');
  await page.getByRole('button', { name: 'Take back' }).click();
  await page.getByText('Offline', { exact: true }).waitFor();
  await context.setOffline(false);
  await page.getByText('Live', { exact: true }).waitFor();
  expect(await goalsCalled('Something nobody wants any more')).toBe(0);
  await phone.close();
});

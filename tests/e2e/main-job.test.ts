import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { goalQuery } from '@hive/schema/operations/goals.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requestData } from '../support/graphql-client.ts';
import { install, type Installation } from './installation.ts';
import { dispatch, openGoalId, openPhone, status, textOf } from './phone.ts';

let hive: Installation;
beforeAll(async () => {
  hive = await install();
});
afterAll(() => hive.stop());

it('turns a goal typed on the phone into a plan, tasks and an answer whose sources are really there', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page } = phone;
  await dispatch(page, 'Explain how this project is laid out and where events come from, with sources');
  const goalId = await openGoalId(page);

  const nodes = page.locator('hive-plan-rail li');
  await nodes.nth(2).waitFor();
  const delays = await nodes.evaluateAll((items) =>
    items.map((item) => Number.parseInt(getComputedStyle(item).getPropertyValue('--delay'))),
  );
  expect(delays, 'nodes arrive one after the other').toEqual(delays.map((_, index) => index * delays[1]!));
  expect(delays[1]).toBeGreaterThan(0);

  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Done');
  const { goal } = await requestData(hive.server.url, goalQuery, { id: goalId });
  expect(await nodes.count()).toBe(goal!.plan!.nodes.length);
  await expect.poll(() => nodes.filter({ hasText: /Done · / }).count()).toBe(goal!.plan!.nodes.length);

  await page.getByRole('button', { name: 'Read the answer' }).click();
  const result = page.getByRole('region', { name: 'Result' });
  await expect.poll(() => textOf(result)).toContain('no language model connected');
  const citations = await result.locator('.sources li').evaluateAll((items) =>
    items.map((item) => ({
      place: item.querySelector('.place')?.textContent ?? '',
      quote: item.querySelector('blockquote')?.textContent ?? '',
    })),
  );
  expect(citations.length).toBeGreaterThan(2);
  for (const { place, quote } of citations) expectInProject(place, quote);
  expect(citations.some(({ place }) => place.startsWith('src/'))).toBe(true);

  await result.getByRole('button', { name: 'Source 1', exact: true }).first().click();
  const first = result.locator('#source-1 blockquote');
  await first.waitFor();
  expect(await first.textContent()).toBe(citations[0]!.quote);

  const answer = await textOf(result.locator('hive-markdown'));
  expect(answer).toContain('event');
  await page.reload();
  await expect
    .poll(() => textOf(page.getByRole('region', { name: 'Result' }).locator('hive-markdown')))
    .toBe(answer);
  await phone.close();
});

it('shows what a task did: its steps, its attempt and its agent', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page } = phone;
  await dispatch(page, 'Find every place that mentions the sensor loop');
  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Done');
  await page.locator('hive-plan-rail a').first().click();
  await page.waitForURL(/\/work\/tasks\//);
  await page.locator('hive-task-history summary').first().click();
  await page.getByText('project.search', { exact: true }).first().waitFor();
  await page.getByText('Attempt 1 · Done').waitFor();
  await page.goBack();
  await page.waitForURL(/\/dispatch\/Goal/);
  await phone.close();
});

it('asks before it starts when told to, and runs the plan as the person changed it', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page } = phone;
  await page.getByLabel('Start without asking me').uncheck();
  await dispatch(page, 'Summarise this project');
  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Plan needs you');
  await page.getByRole('button', { name: 'Edit plan' }).click();
  await page.getByLabel('Title').first().fill('My own first step');
  await page.getByRole('button', { name: 'Save plan' }).click();
  await page.locator('hive-plan-rail').getByText('My own first step').waitFor();
  await page.getByRole('button', { name: 'Accept and start' }).click();
  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Done');
  expect(await textOf(page.locator('hive-plan-rail'))).toContain('My own first step');
  await phone.close();
});

/** "src/page.ts:3–5" must hold the quote on these very lines. */
function expectInProject(place: string, quote: string): void {
  const [, path, first, last] = /^(.+?):(\d+)(?:–(\d+))?$/.exec(place) ?? [];
  expect(path, place).toBeDefined();
  const lines = readFileSync(join(hive.project.folder, path!), 'utf8').split('\n');
  const cited = lines.slice(Number(first) - 1, Number(last ?? first)).join(' ');
  const squeeze = (text: string) => text.replace(/\s+/g, ' ').trim();
  expect(squeeze(cited), place).toContain(squeeze(quote));
}

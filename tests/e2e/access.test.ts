import { goalsQuery } from '@hive/schema/operations/goals.ts';
import { agentsQuery } from '@hive/schema/operations/agents.ts';
import { tasksQuery } from '@hive/schema/operations/tasks.ts';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requestData } from '../support/graphql-client.ts';
import { expectAccessible } from './accessible.ts';
import { install, type Installation } from './installation.ts';
import { dispatch, openGoalId, openPhone, status } from './phone.ts';

let hive: Installation;
const paths: string[] = [
  ...['/', '/work', '/work/tasks', '/fleet', '/settings', '/outbox', '/nowhere'],
  ...['workspace', 'audit', 'secrets', 'models', 'projects', 'about'].map((page) => `/settings/${page}`),
];
beforeAll(async () => {
  hive = await install();
  const phone = await openPhone(hive.browser, hive.server.url);
  await dispatch(phone.page, 'Explain how this project is laid out and where events come from');
  await status(phone.page).filter({ hasText: 'Done' }).waitFor();
  await phone.page.goto('/');
  await phone.page.getByLabel('Start without asking me').uncheck();
  await dispatch(phone.page, 'Summarise this project');
  await status(phone.page).filter({ hasText: 'Plan needs you' }).waitFor();
  paths.push(new URL(phone.page.url()).pathname);
  await phone.close();
  const { url } = hive.server;
  const [{ goals }, { tasks }, { agents }] = await Promise.all([
    requestData(url, goalsQuery, { where: { status: ['SUCCEEDED'] } }),
    requestData(url, tasksQuery, { first: 1 }),
    requestData(url, agentsQuery, { first: 1 }),
  ]);
  paths.push(`/work/goals/${encodeURIComponent(goals.edges[0]!.node.id)}`);
  paths.push(`/work/tasks/${encodeURIComponent(tasks.edges[0]!.node.id)}`);
  paths.push(`/fleet/${encodeURIComponent(agents.edges[0]!.node.id)}`);
});
afterAll(() => hive.stop());

describe.each(['light', 'dark'] as const)('in %s', (colorScheme) => {
  it('has nothing that axe objects to, on any screen', async () => {
    const phone = await openPhone(hive.browser, hive.server.url, '/', {
      colorScheme,
      reducedMotion: 'reduce',
    });
    const { page } = phone;
    for (const path of paths) {
      await page.goto(path);
      await page.getByRole('heading', { level: 1 }).waitFor();
      await page.getByText('Live', { exact: true }).waitFor();
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
      await expectAccessible(phone, path);
      const overflow = await page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      expect(overflow, `${path} scrolls sideways`).toBe(0);
    }
    await phone.close();
  });

  it('has nothing that axe objects to when something is wrong or asked', async () => {
    const phone = await openPhone(hive.browser, hive.server.url, '/', {
      colorScheme,
      reducedMotion: 'reduce',
    });
    const { page, context } = phone;
    await page.getByText('Live', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Dispatch', exact: true }).click();
    await page.getByText('Say what you want to know or have done.').waitFor();
    await expectAccessible(phone, 'an empty goal');
    await context.setOffline(true);
    await page.getByText('Offline', { exact: true }).waitFor();
    await dispatch(page, 'Never sent');
    await page.getByText('Offline · 1 action waiting').waitFor();
    await expectAccessible(phone, 'offline');
    await page.getByRole('button', { name: 'Take back' }).click();
    await context.setOffline(false);
    await page.goto(paths.find((path) => path.startsWith('/dispatch/'))!);
    await page.getByRole('button', { name: 'Edit plan' }).click();
    await page.getByRole('button', { name: 'Save plan' }).waitFor();
    await expectAccessible(phone, 'plan editor');
    await page.getByRole('button', { name: 'Leave as it was' }).click();
    await page.getByRole('button', { name: 'Cancel goal' }).click();
    await page.getByRole('dialog').waitFor();
    await expectAccessible(phone, 'confirmation');
    await phone.close();
  });
});

it('dispatches a goal with nothing but a keyboard', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page } = phone;
  await page.getByLabel('Goal', { exact: true }).waitFor();
  const focused = () =>
    page.evaluate(() => {
      let element = document.activeElement;
      while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
      return element?.id || element?.textContent?.trim() || '';
    });
  await page.keyboard.press('Tab');
  expect(await focused()).toBe('Skip to content');
  await page.keyboard.press('Enter');
  for (let presses = 0; presses < 10 && (await focused()) !== 'goal'; presses += 1)
    await page.keyboard.press('Tab');
  await page.keyboard.type('Find every sensor');
  await page.keyboard.press('Control+Enter');
  await openGoalId(page);
  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Done');
  await page.getByRole('button', { name: 'Read the answer' }).waitFor();
  for (let presses = 0; presses < 10 && (await focused()) !== 'Read the answer'; presses += 1)
    await page.keyboard.press('Tab');
  await page.keyboard.press('Enter');
  await expect
    .poll(() => page.getByRole('region', { name: 'Result' }).evaluate((region) => region.matches(':focus')))
    .toBe(true);
  await phone.close();
});

it('holds still for those who asked for less motion', async () => {
  const phone = await openPhone(hive.browser, hive.server.url, '/', { reducedMotion: 'reduce' });
  const { page } = phone;
  await page.evaluate(() => {
    const moved = new Set<string>();
    Object.assign(globalThis, { moved });
    const look = () => {
      for (const animation of document.getAnimations()) {
        const length = animation.effect?.getComputedTiming().activeDuration ?? 0;
        if (animation.playState === 'running' && Number(length) > 0)
          moved.add((animation as CSSAnimation).animationName ?? 'a script');
      }
      requestAnimationFrame(look);
    };
    look();
  });
  await dispatch(page, 'Explain the page, calmly');
  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Done');
  expect(await page.evaluate(() => [...(globalThis as unknown as { moved: Set<string> }).moved])).toEqual([]);
  await phone.close();
});

it.each([
  ['a phone held sideways', 844, 390],
  ['a desk', 1280, 800],
  ['the smallest phone', 320, 568],
])('fits %s', async (_, width, height) => {
  const phone = await openPhone(hive.browser, hive.server.url, '/', { viewport: { width, height } });
  for (const path of paths) {
    await phone.page.goto(path);
    await phone.page.getByRole('heading', { level: 1 }).waitFor();
    await expect.poll(() => phone.page.locator('hive-skeleton').count()).toBe(0);
    const overflow = await phone.page.evaluate(
      () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
    );
    expect(overflow, `${path} scrolls sideways`).toBe(0);
  }
  await phone.close();
});

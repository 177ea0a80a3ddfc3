import { goalQuery } from '@hive/schema/operations/goals.ts';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requestData } from '../support/graphql-client.ts';
import { install, type Installation } from './installation.ts';
import { openPhone } from './phone.ts';

let hive: Installation;
beforeAll(async () => {
  hive = await install();
});
afterAll(() => hive.stop());

/** Puts an operation into the editor and runs it. @returns what the result pane shows from then on */
async function run(page: Page, name: string, document: string): Promise<() => Promise<string>> {
  await page.locator('.graphiql-query-editor').click();
  await page.keyboard.press('Control+A');
  await page.keyboard.insertText(document);
  // the tab takes the operation's name once the editor has understood the document; what is run before that is the old one
  await page.locator('.graphiql-tab-button', { hasText: name }).waitFor();
  await page.keyboard.press('Control+Enter');
  return async () => (await page.locator('.result-window').textContent()) ?? '';
}

it('does the main job from the playground, with nothing from anywhere else', async () => {
  const phone = await openPhone(hive.browser, hive.server.url, '/graphql', {
    viewport: { width: 1280, height: 800 },
    isMobile: false,
    hasTouch: false,
  });
  const { page } = phone;
  const dispatched = await run(
    page,
    'Dispatching',
    'mutation Dispatching { dispatchGoal(input: { text: "Explain where events come from, with sources" }) { ... on Goal { id status } } }',
  );
  await expect.poll(dispatched, { timeout: 20_000 }).toContain('PLANNING');
  const id = /Goal:[0-9a-f-]{36}/.exec(await dispatched())![0];
  await expect
    .poll(async () => (await requestData(hive.server.url, goalQuery, { id })).goal!.status, {
      timeout: 20_000,
    })
    .toBe('SUCCEEDED');
  const read = await run(
    page,
    'Reading',
    `query Reading { goal(id: "${id}") { status result { citations { path startLine } } } }`,
  );
  await expect.poll(read).toMatch(/SUCCEEDED[\s\S]*path/);
  // the same over the WebSocket
  const followed = await run(
    page,
    'Following',
    'subscription Following { systemHealth { languageModelConnected } }',
  );
  await expect.poll(followed, { timeout: 15_000 }).toContain('languageModelConnected');
  await phone.close();
});

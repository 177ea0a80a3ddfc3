import { registerAgentMutation, retireAgentMutation } from '@hive/schema/operations/agents.ts';
import { createTaskMutation, taskQuery } from '@hive/schema/operations/tasks.ts';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { requestData } from '../support/graphql-client.ts';
import { install, type Installation } from './installation.ts';
import { longSentence, startPacedModel, type PacedModel } from './paced-model.ts';
import { dispatch, openPhone, status, textOf } from './phone.ts';

let model: PacedModel;
let hive: Installation;
beforeAll(async () => {
  model = await startPacedModel();
  hive = await install({ OLLAMA_URL: model.url, HIVE_LLM_PROVIDERS: 'ollama' });
});
afterEach(() => model.release());
afterAll(async () => {
  await hive.stop();
  await model.close();
});

async function createTask(input: {
  title: string;
  capabilities?: string[];
  maxAttempts?: number;
  timeoutSeconds?: number;
}): Promise<string> {
  const { createTask: made } = await requestData(hive.server.url, createTaskMutation, {
    input: { instruction: 'Say where events come from.', capabilities: [], ...input },
  });
  if (made.__typename !== 'Task') throw new Error(made.message);
  return made.id;
}

it('streams a model’s words as they come, and shows none of the markup hidden in them', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page } = phone;
  model.text = [
    '## Where events come from',
    longSentence,
    'From the **sensor loop**, see [the guide](https://example.invalid/guide) and [this](javascript:alert(1)).',
    '<img src="https://example.invalid/spy.png" onerror="document.title=\'owned\'"><script>document.title = "owned"</script>',
    '- one\n- two\n  - two and a half',
    '| sensor | rate |\n| --- | --- |\n| wind | 1/s |',
    '```ts\nappendEvent({ type: "measured" });\n```',
  ].join('\n\n');
  model.hold();
  const id = await createTask({ title: 'Say it in Markdown', capabilities: ['research'] });
  await page.goto(`/work/tasks/${encodeURIComponent(id)}`);
  const live = page.locator('hive-live-output');
  await expect.poll(() => textOf(live), { timeout: 20_000 }).toContain('From the sensor loop');
  expect(await textOf(live)).not.toContain('appendEvent');
  model.release();
  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Done');
  const prose = page.locator('hive-output .prose');
  await prose.locator('table td', { hasText: 'wind' }).waitFor();
  await prose.locator('li li', { hasText: 'two and a half' }).waitFor();
  expect(await prose.locator('pre code').textContent()).toContain('appendEvent({ type: "measured" });');
  expect(await prose.locator('h2, h3').textContent()).toBe('Where events come from');
  expect(await prose.locator('img, script, [onerror]').count()).toBe(0);
  expect(
    await prose
      .locator('a')
      .evaluateAll((links) => links.map((link) => link.getAttribute('href')).filter(Boolean)),
  ).toEqual(['https://example.invalid/guide']);
  expect(await page.title()).toBe('Say it in Markdown · Hive');
  await page
    .getByText(/paced-model/)
    .first()
    .waitFor();
  await phone.close();
});

it('cancels a running goal only after asking', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page } = phone;
  model.hold();
  await dispatch(page, 'Explain what nobody needs to know');
  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Running');
  await page.getByRole('button', { name: 'Cancel goal' }).click();
  const dialog = page.getByRole('dialog', { name: 'Cancel this goal?' });
  await dialog.getByRole('button', { name: 'Keep going' }).click();
  await dialog.waitFor({ state: 'hidden' });
  expect(await status(page).textContent()).toBe('Running');
  await page.getByRole('button', { name: 'Cancel goal' }).click();
  await dialog.getByRole('button', { name: 'Cancel goal' }).click();
  await expect.poll(() => status(page).textContent()).toBe('Canceled');
  await expect.poll(() => textOf(page.locator('hive-plan-rail'))).not.toMatch(/Running|Waits for others/);
  expect(await page.getByRole('button', { name: 'Cancel goal' }).count()).toBe(0);
  await phone.close();
});

it('retries a task that failed, and says first why it failed', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page } = phone;
  model.hold();
  const id = await createTask({
    title: 'Answer within two seconds',
    capabilities: ['research'],
    maxAttempts: 1,
    timeoutSeconds: 2,
  });
  await page.goto('/work/tasks?status=failed');
  await page.locator('hive-row', { hasText: 'Answer within two seconds' }).locator('a').click();
  await expect.poll(() => status(page).textContent()).toBe('Failed');
  await page.locator('.reason', { hasText: 'TIMEOUT' }).waitFor();
  model.release();
  model.text = 'Events come from the sensor loop.';
  await page.getByRole('button', { name: 'Retry task' }).click();
  await expect.poll(() => status(page).textContent()).toBe('Done');
  await expect.poll(() => textOf(page.locator('hive-output hive-markdown'))).toContain('sensor loop');
  const { task } = await requestData(hive.server.url, taskQuery, { id });
  expect(task!.attempts.map((attempt) => attempt.status).toSorted()).toEqual(['FAILED', 'SUCCEEDED']);
  await phone.close();
});

it('says why a task nobody can do is queued, and runs it when somebody can', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page } = phone;
  const id = await createTask({ title: 'Juggle three clubs', capabilities: ['juggling'] });
  await page.goto('/work/tasks');
  const row = page.locator('hive-row', { hasText: 'Juggle three clubs' });
  await row.getByText('No agent can “juggling”').waitFor();
  await row.locator('a').click();
  expect(await status(page).textContent()).toBe('Queued');
  await page.locator('.reason', { hasText: 'No agent can “juggling”' }).waitFor();
  const input = { name: 'Juggler', role: 'juggler', kind: 'LLM' as const, capabilities: ['juggling'] };
  const { registerAgent: juggler } = await requestData(hive.server.url, registerAgentMutation, { input });
  await expect.poll(() => status(page).textContent(), { timeout: 20_000 }).toBe('Done');
  expect(await page.locator('.reason').count()).toBe(0);
  await page.getByRole('link', { name: 'Juggler' }).click();
  await page.getByRole('heading', { name: 'Juggler' }).waitFor();
  expect((await requestData(hive.server.url, taskQuery, { id })).task!.status).toBe('SUCCEEDED');
  if (juggler.__typename === 'Agent')
    await requestData(hive.server.url, retireAgentMutation, { input: { agentId: juggler.id } });
  await expect.poll(() => status(page).textContent()).toBe('Retired');
  await phone.close();
});

it('holds an agent back and lets it go on', async () => {
  const phone = await openPhone(hive.browser, hive.server.url, '/fleet');
  const { page } = phone;
  const reviewer = page.locator('hive-honeycomb a', { hasText: 'Reviewer' });
  await reviewer.getByText('Idle').waitFor();
  await reviewer.click();
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect.poll(() => status(page).textContent()).toBe('Paused');
  const id = await createTask({ title: 'Check with care', capabilities: ['review'] });
  const watching = await phone.context.newPage();
  await watching.goto(`/work/tasks/${encodeURIComponent(id)}`);
  await watching.locator('.reason', { hasText: 'Reviewer is paused' }).waitFor();
  await page.goto('/fleet');
  await reviewer.getByText('Paused').waitFor();
  await reviewer.click();
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect.poll(() => status(page).textContent()).toMatch(/Idle|Working/);
  await expect.poll(() => status(watching).textContent(), { timeout: 20_000 }).toBe('Done');
  await phone.close();
});

import { eventsQuery } from '@hive/schema/operations/events.ts';
import { goalQuery, goalsQuery } from '@hive/schema/operations/goals.ts';
import { taskQuery } from '@hive/schema/operations/tasks.ts';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requestData } from '../support/graphql-client.ts';
import { install, type Installation } from './installation.ts';
import { startPacedModel, type PacedModel } from './paced-model.ts';
import { dispatch, openGoalId, openPhone, status, textOf } from './phone.ts';

let model: PacedModel;
let hive: Installation;
beforeAll(async () => {
  model = await startPacedModel();
  hive = await install({ OLLAMA_URL: model.url, HIVE_LLM_PROVIDERS: 'ollama', HIVE_LEASE_MS: '1500' });
});
afterAll(async () => {
  await hive.stop();
  await model.close();
});

const stepsOf = async (taskId: string) =>
  (await requestData(hive.server.url, taskQuery, { id: taskId })).task!.steps;

it('goes on to its end when the server is killed in the middle; the screen catches up and nothing is repeated', async () => {
  const phone = await openPhone(hive.browser, hive.server.url);
  const { page } = phone;
  model.hold();
  await dispatch(page, 'Explain where events come from');
  const goalId = await openGoalId(page);
  const first = page.locator('hive-plan-rail li', { hasText: 'Look where events come from' });
  await first.getByText(/^Running/).waitFor();
  const watching = await phone.context.newPage();
  await watching.goto((await first.locator('a').getAttribute('href'))!);
  // half of the words are on screen, the other half is still with the model
  await expect
    .poll(() => textOf(watching.locator('hive-live-output')), { timeout: 20_000 })
    .toContain('Events come from');
  await page.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
  await watching.evaluate(() => Object.assign(globalThis, { sameDocument: true }));
  const { tasks } = await eventsAndTasks(goalId);
  const planSteps = await stepsOf(tasks.find((id) => id.startsWith('Task'))!);

  await hive.kill();
  await page.getByText('Hive unreachable').waitFor();
  await page.getByText(/^As of \d\d:\d\d$/).waitFor();
  await hive.start();
  model.release();

  await expect.poll(() => status(page).textContent(), { timeout: 45_000 }).toBe('Done');
  await expect
    .poll(() => textOf(watching.locator('hive-output hive-markdown')), { timeout: 20_000 })
    .toContain(model.text);
  await page.getByText('Live', { exact: true }).waitFor();
  for (const each of [page, watching])
    expect(await each.evaluate(() => 'sameDocument' in globalThis), 'no reload').toBe(true);

  const { goals } = await requestData(hive.server.url, goalsQuery, { first: 10 });
  expect(goals.edges.map(({ node }) => node.id)).toEqual([goalId]);
  const { goal } = await requestData(hive.server.url, goalQuery, { id: goalId });
  expect(goal).toMatchObject({ status: 'SUCCEEDED', progress: { total: 2, succeeded: 2, failed: 0 } });
  expect(goal!.result!.text).toContain(model.text);
  // the plan was asked for once; the answer that was cut is asked for again, and nothing else is
  expect(model.requests).toEqual({ plan: 1, answer: 3 });

  const after = await eventsAndTasks(goalId);
  for (const taskId of after.tasks) {
    const steps = await stepsOf(taskId);
    expect(steps.map((step) => step.status)).toEqual(steps.map(() => 'SUCCEEDED'));
    expect(new Set(steps.map((step) => step.position)).size).toBe(steps.length);
  }
  expect(await stepsOf(tasks.find((id) => id.startsWith('Task'))!)).toMatchObject(
    planSteps.filter((step) => step.status === 'SUCCEEDED'),
  );
  const ends = after.events
    .filter(({ type }) => type.endsWith('.succeeded'))
    .map(({ type, subjectId }) => `${type} ${subjectId}`);
  expect(new Set(ends).size).toBe(ends.length);
  await phone.close();
});

/** Everything the log says about a goal, and the tasks it names. */
async function eventsAndTasks(goalId: string) {
  const { events } = await requestData(hive.server.url, eventsQuery, { first: 100, where: { goalId } });
  const nodes = events.edges.map(({ node }) => node);
  return {
    events: nodes,
    tasks: [
      ...new Set(nodes.filter(({ type }) => type.startsWith('task.')).map(({ subjectId }) => subjectId)),
    ],
  };
}

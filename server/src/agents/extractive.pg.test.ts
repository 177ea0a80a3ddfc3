import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { silentLog } from '../../../tests/support/log.ts';
import { createProjectFixture, type ProjectFixture } from '../engines/data-processing/project-fixture.ts';
import { indexProject } from '../engines/data-processing/project-indexer.ts';
import type { TaskOutcome } from '../engines/task-execution/task-context.ts';
import { topologicalOrder } from '../engines/workflow/graph.ts';
import { systemClock } from '../lib/clock.ts';
import { defaultModelConfig } from '../llm/model-config.ts';
import { createModelGateway } from '../llm/model-gateway.ts';
import { finishProjectIndexing, findProject, insertProject } from '../stores/project-store.ts';
import { sqlOfPool, type Sql } from '../stores/sql.ts';
import { sqlOfTenant } from '../stores/tenancy.ts';
import { createBuiltInTools } from '../tools/built-in-tools.ts';
import { createAgentHandler } from './agent-handler.ts';
import type { AgentDeps, DependencyOutput } from './agent-run.ts';
import { markersIn } from './cited-text.ts';
import { planByRecipe } from './recipes.ts';
import { createTaskContextDouble, type RecordedStep } from './task-context-double.ts';

let database: TestDatabase;
let fixture: ProjectFixture;
let sql: Sql;
let projectId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  fixture = createProjectFixture();
  sql = sqlOfPool(database.systemPool);
  const project = await insertProject(sql, {
    workspaceId: database.workspaceId,
    name: 'shop',
    rootPath: fixture.root,
  });
  projectId = project!.id;
  const scope = { workspaceId: database.workspaceId, projectId };
  const result = await indexProject({
    sql,
    ...scope,
    rootPath: fixture.root,
    signal: new AbortController().signal,
  });
  await finishProjectIndexing(sql, database.workspaceId, projectId, result);
});
afterAll(async () => {
  fixture.remove();
  await database.drop();
});

function deps(dependencies: DependencyOutput[] = []): AgentDeps {
  return {
    models: createModelGateway({
      config: { ...defaultModelConfig, providers: ['extractive'] },
      clock: systemClock,
      log: silentLog,
    }),
    tools: createBuiltInTools({
      systemSql: sql,
      sqlOf: (workspaceId) => sqlOfTenant(database.tenantPool, { workspaceId }),
    }),
    clock: systemClock,
    findAgent: () =>
      Promise.resolve({
        id: 'a',
        name: 'Ada',
        role: 'researcher',
        kind: 'LLM',
        instructions: '',
        capabilities: [],
      }),
    listDependencyOutputs: () => Promise.resolve(dependencies),
    findProject: (workspaceId, id) => findProject(sql, workspaceId, id),
  };
}

interface Done {
  outcome: TaskOutcome;
  emitted: string;
  steps: RecordedStep[];
  ranCount: number;
}

async function runTask(
  task: Parameters<typeof createTaskContextDouble>[0],
  dependencies: DependencyOutput[] = [],
  recorded?: RecordedStep[],
): Promise<Done> {
  const double = createTaskContextDouble(
    { workspaceId: database.workspaceId, projectId, ...task },
    recorded ? { recorded } : {},
  );
  const outcome = await createAgentHandler(deps(dependencies))(double.context);
  return { outcome: outcome!, emitted: double.emitted(), steps: double.steps, ranCount: double.ranCount() };
}

/** Plans by recipe and runs every task in order; the last one's result. */
async function runGoal(goalText: string): Promise<Done & { all: Done[] }> {
  const { graph } = planByRecipe({ goalText, projectName: 'shop' });
  const outputs = new Map<string, DependencyOutput>();
  const all: Done[] = [];
  for (const { id, title, instruction, input, capabilities, dependsOn } of topologicalOrder(graph)) {
    const before = dependsOn.map((dependency) => outputs.get(dependency)!);
    const done = await runTask(
      { nodeId: id, title, instruction, input, requiredCapabilities: capabilities },
      before,
    );
    all.push(done);
    outputs.set(id, {
      nodeId: id,
      title,
      text: done.outcome.text!,
      citations: done.outcome.citations!,
      data: null,
    });
  }
  return { ...all.at(-1)!, all };
}

function expectCited({ outcome, emitted }: Done): void {
  expect(emitted).toBe(outcome.text);
  expect(outcome.extractive).toBe(true);
  expect(outcome.notice).toMatch(/^extractive, no language model connected/);
  expect(new Set(markersIn(outcome.text!))).toEqual(new Set(outcome.citations!.map(({ marker }) => marker)));
  for (const { path, startLine, endLine, quote } of outcome.citations!) {
    const lines = readFileSync(join(fixture.root, path!), 'utf8').split('\n');
    expect(lines.slice(startLine! - 1, endLine).join('\n')).toContain(quote);
  }
}

describe('a goal without a language model', () => {
  it('is explained by layout, code and documents, each statement with its lines', async () => {
    const done = await runGoal(
      'Explain how this project is laid out and where orders come from, with sources',
    );
    expectCited(done);
    const text = done.outcome.text!;
    expect(text).toContain('## How shop is laid out');
    expect(text).toMatch(/`src\/` \(3 files, TypeScript\): the programs that run the shop\. \[\d+\]/);
    expect(text).toMatch(
      /`appendOrder` in `src\/order-book\.ts`: Writes an order to the book before anybody is told about it\. \[\d+\]|`function appendOrder\(order: Order\): void`/,
    );
    expect(text).toMatch(/Orders come from the web form or from the telephone\. \[\d+\]/);
    expect(text).toMatch(/_Checked: (\d+) of \1 quotes stand in the files at the lines given\._/);
    expect(done.outcome.citations!.map(({ path }) => path)).toEqual(
      expect.arrayContaining(['README.md', 'src/order-book.ts']),
    );
  });

  it.each([
    'Summarise this project',
    'Compare refunds with vouchers',
    'Where is appendOrder defined?',
    'Collect all TODOs',
    'oolong tea',
  ])('is answered and cited: %s', async (goal) => {
    const done = await runGoal(goal);
    for (const each of done.all) expectCited(each);
    expect(done.outcome.citations!.length).toBeGreaterThan(0);
  });

  it('finds declarations before mentions', async () => {
    const { outcome } = await runGoal('Where is appendOrder defined?');
    const text = outcome.text!;
    expect(text.indexOf('src/order-book.ts:13')).toBeGreaterThan(text.indexOf('Declared in'));
    expect(text.indexOf('src/telephone.ts')).toBeGreaterThan(text.indexOf('Mentioned in'));
  });

  it('lists what was left for later and what was asked', async () => {
    const { outcome } = await runGoal('Collect all TODOs and open questions');
    expect(outcome.text).toMatch(/Line 5: TODO: ask for the name of the caller \[\d+\]/);
    expect(outcome.text).toMatch(/Who decides about a refund above 100 euros\?/);
  });

  it('says so when the project has nothing on it', async () => {
    const { outcome } = await runTask({ input: { action: 'explain', query: 'quantum chromodynamics' } });
    expect(outcome).toMatchObject({
      text: 'Nothing in the indexed project says anything about “quantum chromodynamics”.',
      citations: [],
    });
  });

  it('says so when there is no project', async () => {
    const { outcome } = await runTask({ projectId: null, input: { action: 'layout' } });
    expect(outcome.text).toMatch(/^No project is attached/);
  });

  it('works for a task that nobody planned', async () => {
    const { outcome } = await runTask({
      title: 'Refunds',
      instruction: 'How long does a refund take?',
      input: {},
    });
    expect(outcome.text).toContain('A refund is paid within a week. [');
  });
});

describe('a resumed attempt', () => {
  it('repeats no finished step and streams the same text', async () => {
    const task = { input: { action: 'explain', query: 'where do orders come from' } };
    const first = await runTask(task);
    const again = await runTask(task, [], first.steps);
    expect(again.ranCount).toBe(0);
    expect(again.emitted).toBe(first.emitted);
    expect(again.outcome).toEqual(first.outcome);
    const half = await runTask(task, [], first.steps.slice(0, 2));
    expect(half.ranCount).toBe(first.steps.length - 2);
    expect(half.outcome).toEqual(first.outcome);
  });
});

describe('the reviewer', () => {
  it('drops a quote that is not in the file and corrects lines that moved', async () => {
    const readme = join(fixture.root, 'README.md');
    const before = readFileSync(readme, 'utf8');
    writeFileSync(readme, `New first line.\n${before}`);
    const cite = (marker: number, quote: string, line: number) => ({
      marker,
      path: 'README.md',
      startLine: line,
      endLine: line,
      quote,
    });
    const answer = {
      nodeId: 'write',
      title: 'Answer',
      text: 'It sells tea [1]. It sells coffee [2].',
      citations: [cite(1, 'The shop sells tea', 3), cite(2, 'The shop sells coffee', 3)],
      data: null,
    };
    const { outcome } = await runTask({ input: { action: 'review' } }, [answer]);
    writeFileSync(readme, before);
    expect(outcome.text).toMatch(/^It sells tea \[1\]\. It sells coffee\./);
    expect(outcome.citations).toEqual([cite(1, 'The shop sells tea', 4)]);
    expect(outcome.data).toEqual({ checkedCount: 2, movedCount: 1, droppedCount: 1 });
  });
});

import type { Task } from '../../entities/task.ts';
import { NotFoundError, ValidationError } from '../../lib/errors.ts';
import { countTasks, findTasks, listTasks } from '../../stores/task-reads.ts';
import { builder } from '../builder.ts';
import { BackoffInput } from './backoff.ts';
import { changeErrors, createErrors, expectFailures } from '../errors.ts';
import { followSubjects } from '../follow.ts';
import { decodeId, decodeOptionalId, encodeId } from '../ids.ts';
import { given, idempotencyKeyField } from '../input.ts';
import { pageCost, parsePage, toConnection, totalCountDescription } from '../pages.ts';
import { AgentType } from './agent-ref.ts';
import { AttemptType, StepType, attemptsOf } from './attempt.ts';
import { StepDecisionType, TaskStatusType } from './enums.ts';
import { GoalType } from './goal-ref.ts';
import { NodeInterface } from './node.ts';
import { OutputDeltaType, OutputType, PartialOutputType } from './output.ts';
import { FailureType, failureOf } from './parts.ts';
import { TaskType } from './task-ref.ts';
import { WorkflowRunType } from './workflow-run.ts';

export { TaskType };

TaskType.implement({
  description: 'One piece of work for one agent.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'Global id, `Task:uuid`.', resolve: (task) => encodeId('Task', task.id) }),
    nodeId: t.exposeString('nodeId', {
      description:
        'Id of its node in the plan; `plan` for a task that plans a goal, `task` for one made with `createTask`.',
    }),
    title: t.exposeString('title', { description: 'For people, 1 to 200 characters.' }),
    instruction: t.exposeString('instruction', {
      description: 'What the agent is to do, 1 to 20,000 characters.',
    }),
    status: t.field({
      type: TaskStatusType,
      description: 'Where it stands.',
      resolve: (task) => task.status,
    }),
    priority: t.exposeInt('priority', { description: 'Higher runs first, -1,000 to 1,000; 0 is normal.' }),
    requiredCapabilities: t.exposeStringList('requiredCapabilities', {
      description: 'What its agent must be able to do, all of it; any agent when empty.',
    }),
    goal: t.field({
      type: GoalType,
      nullable: true,
      description: 'The goal it belongs to; null for one made with `createTask`.',
      resolve: async (task, _, { loaders }) =>
        task.goalId ? ((await loaders.goal.load(task.goalId)) ?? null) : null,
    }),
    run: t.field({
      type: WorkflowRunType,
      nullable: true,
      description:
        'The run it belongs to; null for one made with `createTask` and for one that plans a goal.',
      resolve: async (task, _, { loaders }) =>
        task.workflowRunId ? ((await loaders.workflowRun.load(task.workflowRunId)) ?? null) : null,
    }),
    agent: t.field({
      type: AgentType,
      nullable: true,
      description: 'Who runs it, or ran it last; null before the first attempt.',
      resolve: async (task, _, { loaders }) =>
        task.agentId ? ((await loaders.agent.load(task.agentId)) ?? null) : null,
    }),
    dependsOn: t.field({
      type: [TaskType],
      description: 'Tasks that must succeed before it is QUEUED.',
      resolve: (task, _, { loaders }) => loaders.tasksDependedOn(task.id),
    }),
    attempt: t.exposeInt('attempt', {
      description: 'How many attempts have started, which is the number of the newest; 0 before the first.',
    }),
    maxAttempts: t.exposeInt('maxAttempts', {
      description:
        'Attempts after which it fails for good; grows by one for each that was lost, released or waited for a decision, and with every replay.',
    }),
    attempts: t.field({
      type: [AttemptType],
      description: 'Its attempts, oldest first.',
      resolve: (task, _, context) => attemptsOf(task, context),
    }),
    steps: t.field({
      type: [StepType],
      description: 'Its steps in order of position, those of earlier attempts included.',
      resolve: (task, _, { loaders }) => loaders.stepsOfTask.load(task.id),
    }),
    output: t.field({
      type: OutputType,
      nullable: true,
      description: 'What it gave; null until it has SUCCEEDED.',
      resolve: async (task, _, { loaders }) => (await loaders.outputOfTask.load(task.id)) ?? null,
    }),
    partialOutput: t.field({
      type: PartialOutputType,
      nullable: true,
      description: 'Text streamed so far by the current attempt; null before the first chunk was saved.',
      resolve: async (task, _, { loaders }) => (await loaders.partialTextOfTask.load(task.id)) ?? null,
    }),
    queuedReason: t.string({
      nullable: true,
      description:
        'Why a QUEUED task is not running: no agent has its capabilities, those that have rest, or when its next attempt is due; null when none of these.',
      resolve: (task) => queuedReason(task),
    }),
    waitReason: t.string({
      nullable: true,
      description: 'What a WAITING task waits for and what a person can do; null in any other status.',
      resolve: (task) => task.waitReason ?? null,
    }),
    failure: t.field({
      type: FailureType,
      nullable: true,
      description:
        'Why the task or its last attempt ended without success; null when none did, or a later one runs or succeeded.',
      resolve: (task) => failureOf(task),
    }),
    runAt: t.expose('runAt', { type: 'DateTime', description: 'Its next attempt does not start before.' }),
    timeoutSeconds: t.float({
      description: 'Longest time of one attempt, in seconds; then it has failed.',
      resolve: (task) => task.timeoutMs / 1_000,
    }),
    version: t.exposeInt('version', { description: 'Grows with every change: a smaller one is older.' }),
    createdAt: t.expose('createdAt', { description: 'When it was created.', type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { description: 'When its record last changed.', type: 'DateTime' }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its first attempt began; null before.',
      resolve: (task) => task.startedAt ?? null,
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it succeeded, failed or was canceled; null until then, and again after a replay.',
      resolve: (task) => task.finishedAt ?? null,
    }),
  }),
});

/** A due time in the future comes first: until then no agent is looked for. */
function queuedReason(task: Task): string | null {
  if (task.status !== 'QUEUED') return null;
  if (task.runAt.getTime() > Date.now())
    return `${task.attempt > 0 ? 'next attempt' : 'first attempt'} due at ${task.runAt.toISOString()}`;
  return task.routingNote ?? null;
}

const TaskFilterInput = builder.inputType('TaskFilter', {
  description: 'All given conditions hold.',
  fields: (t) => ({
    status: t.field({
      type: [TaskStatusType],
      description: 'Only those in one of these statuses; any when absent.',
    }),
    goalId: t.id({ description: 'Only tasks of this goal, planning included.' }),
    agentId: t.id({ description: 'Only tasks that this agent runs or ran last.' }),
  }),
});

builder.queryFields((t) => ({
  task: t.field({
    type: TaskType,
    description: 'A task by its global id; null when there is none.',
    nullable: true,
    args: { id: t.arg.id({ required: true, description: 'Global id of a task.' }) },
    resolve: async (_, args, { loaders }) =>
      (await loaders.task.load(decodeId('Task', args.id, 'id'))) ?? null,
  }),
  tasks: t.field({
    type: builder.connectionObject(
      {
        type: TaskType,
        name: 'QueryTasksConnection',
        fields: (c) => ({
          totalCount: c.int({
            description: totalCountDescription,
            resolve: (page) => (page as unknown as { count(): Promise<number> }).count(),
          }),
        }),
      },
      { name: 'QueryTasksConnectionEdge' },
    ),
    description: 'Tasks, those that plan goals included; newest first.',
    args: {
      ...t.arg.connectionArgs(),
      where: t.arg({ type: TaskFilterInput, description: 'Which tasks; all when absent.' }),
    },
    complexity: pageCost,
    resolve: async (_, args, { em, scope }) => {
      const where = {
        status: args.where?.status ?? undefined,
        goalId: decodeOptionalId('Goal', args.where?.goalId, 'where.goalId'),
        agentId: decodeOptionalId('Agent', args.where?.agentId, 'where.agentId'),
      };
      const page = await listTasks(em(), scope.workspaceId, parsePage(args), where);
      return toConnection(page, () => countTasks(em(), scope.workspaceId, where));
    },
  }),
}));

const CreateTaskInput = builder.inputType('CreateTaskInput', {
  description: 'A single task, without a plan.',
  fields: (t) => ({
    title: t.string({ required: true, description: 'For people, 1 to 200 characters.' }),
    instruction: t.string({
      required: true,
      description: 'What the agent is to do, 1 to 20,000 characters.',
    }),
    projectId: t.id({
      description: 'The project it is about; the folder the server was started in when absent.',
    }),
    capabilities: t.stringList({
      required: true,
      defaultValue: [],
      description:
        'What an agent must be able to do, all of it: up to 20 words of lower-case letters, digits and hyphens; any agent when empty.',
    }),
    priority: t.int({ defaultValue: 0, description: 'Higher runs first, -1,000 to 1,000.' }),
    runAt: t.field({ type: 'DateTime', description: 'Not started before; now when absent.' }),
    maxAttempts: t.int({
      defaultValue: 3,
      description: 'Failed attempts that make it a dead letter, 1 to 100.',
    }),
    backoff: t.field({
      type: BackoffInput,
      description: 'The waits between failed attempts; 1 s, doubled up to 60 s, when absent.',
    }),
    timeoutSeconds: t.float({
      description: 'Longest time of one attempt, 0.001 to 86,400 seconds; 600 when absent.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const CancelTaskInput = builder.inputType('CancelTaskInput', {
  description: 'Which task to stop.',
  fields: (t) => ({
    taskId: t.id({
      required: true,
      description: 'A task that has not ended; one that is CANCELED stays so, which is a success.',
    }),
    reason: t.string({
      description: 'Why, for people, up to 1,000 characters; shown as the failure of the task.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const RetryTaskInput = builder.inputType('RetryTaskInput', {
  description: 'Which task to replay.',
  fields: (t) => ({
    taskId: t.id({
      required: true,
      description: 'A FAILED task whose goal was not canceled, or a CANCELED one outside any goal.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const ResolveStepInput = builder.inputType('ResolveStepInput', {
  description: 'What to do with a step that may or may not have had its effect before the server died.',
  fields: (t) => ({
    taskId: t.id({ required: true, description: 'A task that is WAITING.' }),
    stepId: t.id({ required: true, description: 'Its step that was interrupted.' }),
    decision: t.field({
      type: StepDecisionType,
      required: true,
      description: 'Whether to run the step again.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});

builder.mutationFields((t) => ({
  createTask: t.field({
    type: TaskType,
    description: 'Queues a task of its own, outside any plan.',
    errors: { types: createErrors, union: { name: 'CreateTaskResult' } },
    args: { input: t.arg({ type: CreateTaskInput, required: true, description: 'The task.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const { timeoutSeconds, ...rest } = input;
        // The manager counts in milliseconds; a refusal must name the field that was sent.
        if (typeof timeoutSeconds === 'number' && !(timeoutSeconds >= 0.001 && timeoutSeconds <= 86_400)) {
          throw new ValidationError([
            { path: 'timeoutSeconds', message: 'must be from 0.001 to 86400', value: String(timeoutSeconds) },
          ]);
        }
        const projectId = decodeOptionalId('Project', input.projectId, 'projectId');
        const timeoutMs = typeof timeoutSeconds === 'number' ? Math.round(timeoutSeconds * 1_000) : undefined;
        return deps.orchestrator.createTask(scope, given({ ...rest, projectId, timeoutMs }));
      }),
  }),
  cancelTask: t.field({
    type: TaskType,
    description: 'Stops a task, also in the middle of its work, with all tasks that wait for it.',
    errors: { types: changeErrors, union: { name: 'CancelTaskResult' } },
    args: { input: t.arg({ type: CancelTaskInput, required: true, description: 'Which task, and why.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const taskId = decodeId('Task', input.taskId, 'taskId');
        return deps.taskManager.cancelTask(
          scope,
          given({ taskId, reason: input.reason, idempotencyKey: input.idempotencyKey }),
        );
      }),
  }),
  retryTask: t.field({
    type: TaskType,
    description:
      'Replays a dead letter: the task is queued again with fresh attempts, its run and goal go on, finished steps are not repeated.',
    errors: { types: changeErrors, union: { name: 'RetryTaskResult' } },
    args: { input: t.arg({ type: RetryTaskInput, required: true, description: 'Which task.' }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const taskId = decodeId('Task', input.taskId, 'taskId');
        return deps.taskManager.retryTask(scope, given({ taskId, idempotencyKey: input.idempotencyKey }));
      }),
  }),
  resolveStep: t.field({
    type: TaskType,
    description: 'Decides about a step that was interrupted and may not simply be repeated.',
    errors: { types: changeErrors, union: { name: 'ResolveStepResult' } },
    args: {
      input: t.arg({ type: ResolveStepInput, required: true, description: 'Which step, and what to do.' }),
    },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const taskId = decodeId('Task', input.taskId, 'taskId');
        const stepId = decodeId('Step', input.stepId, 'stepId');
        return deps.taskManager.resolveStep(
          scope,
          given({ taskId, stepId, decision: input.decision, idempotencyKey: input.idempotencyKey }),
        );
      }),
  }),
}));

builder.subscriptionFields((t) => ({
  taskUpdated: t.field({
    type: TaskType,
    description: 'The task now, then after each event about it or one of its steps.',
    args: {
      id: t.arg.id({
        required: true,
        description: 'The task to watch; refused with NOT_FOUND when there is none.',
      }),
    },
    subscribe: async (_, args, { deps, scope, signal, em }) => {
      const id = decodeId('Task', args.id, 'id');
      const read = async () => (await findTasks(em(), scope.workspaceId, [id]))[0];
      if (!(await read())) throw new NotFoundError('Task', id);
      return followSubjects({
        hub: deps.hub,
        workspaceId: scope.workspaceId,
        where: { subjectId: id },
        initial: [id],
        subjectOf: () => id,
        read,
        signal,
      });
    },
    resolve: (task) => task,
  }),
  taskOutput: t.field({
    type: OutputDeltaType,
    description:
      'Streamed text of the task’s attempts from the start, or behind `after`, then live; completes when the task has ended.',
    args: {
      id: t.arg.id({
        required: true,
        description: 'The task to watch; refused with NOT_FOUND when there is none.',
      }),
      after: t.arg.string({ description: 'Cursor of a piece: only what follows it.' }),
    },
    subscribe: async (_, args, { deps, scope, signal, em }) => {
      const taskId = decodeId('Task', args.id, 'id');
      if ((await findTasks(em(), scope.workspaceId, [taskId])).length === 0)
        throw new NotFoundError('Task', taskId);
      const { workspaceId, projectIds } = scope;
      return deps.hub.output(given({ workspaceId, projectIds, taskId, after: args.after }), signal);
    },
    resolve: (delta) => delta,
  }),
}));

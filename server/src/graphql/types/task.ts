import type { Task } from '../../entities/task.ts';
import { NotFoundError, ValidationError } from '../../lib/errors.ts';
import { countTasks, findTasks, listTasks } from '../../stores/task-reads.ts';
import { builder } from '../builder.ts';
import { changeErrors, createErrors, expectFailures } from '../errors.ts';
import { followSubjects } from '../follow.ts';
import { decodeId, decodeOptionalId, encodeId } from '../ids.ts';
import { given } from '../input.ts';
import { pageCost, parsePage, toConnection } from '../pages.ts';
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
    id: t.id({ resolve: (task) => encodeId('Task', task.id) }),
    nodeId: t.exposeString('nodeId', { description: 'Its node in the plan.' }),
    title: t.exposeString('title'),
    instruction: t.exposeString('instruction'),
    status: t.field({ type: TaskStatusType, resolve: (task) => task.status }),
    priority: t.exposeInt('priority', { description: 'Higher runs first; 0 is normal.' }),
    requiredCapabilities: t.exposeStringList('requiredCapabilities'),
    goal: t.field({
      type: GoalType,
      nullable: true,
      resolve: async (task, _, { loaders }) =>
        task.goalId ? ((await loaders.goal.load(task.goalId)) ?? null) : null,
    }),
    run: t.field({
      type: WorkflowRunType,
      nullable: true,
      resolve: async (task, _, { loaders }) =>
        task.workflowRunId ? ((await loaders.workflowRun.load(task.workflowRunId)) ?? null) : null,
    }),
    agent: t.field({
      type: AgentType,
      nullable: true,
      description: 'Who runs it, or ran it last.',
      resolve: async (task, _, { loaders }) =>
        task.agentId ? ((await loaders.agent.load(task.agentId)) ?? null) : null,
    }),
    dependsOn: t.field({
      type: [TaskType],
      description: 'Tasks that must succeed first.',
      resolve: (task, _, { loaders }) => loaders.tasksDependedOn(task.id),
    }),
    attempt: t.exposeInt('attempt', { description: 'How many attempts have started.' }),
    maxAttempts: t.exposeInt('maxAttempts'),
    attempts: t.field({
      type: [AttemptType],
      description: 'Oldest first.',
      resolve: (task, _, context) => attemptsOf(task, context),
    }),
    steps: t.field({
      type: [StepType],
      description: 'In order of position.',
      resolve: (task, _, { loaders }) => loaders.stepsOfTask.load(task.id),
    }),
    output: t.field({
      type: OutputType,
      nullable: true,
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
        'Why a queued task is not running: no agent has its capabilities, or when the next attempt is due.',
      resolve: (task) => queuedReason(task),
    }),
    waitReason: t.string({
      nullable: true,
      description: 'Why a waiting task waits, and what a person can do.',
      resolve: (task) => task.waitReason ?? null,
    }),
    failure: t.field({ type: FailureType, nullable: true, resolve: (task) => failureOf(task) }),
    runAt: t.expose('runAt', { type: 'DateTime', description: 'Not started before.' }),
    timeoutSeconds: t.float({
      description: 'Longest time of one attempt.',
      resolve: (task) => task.timeoutMs / 1_000,
    }),
    version: t.exposeInt('version', { description: 'Grows with every change: a smaller one is older.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    startedAt: t.field({ type: 'DateTime', nullable: true, resolve: (task) => task.startedAt ?? null }),
    finishedAt: t.field({ type: 'DateTime', nullable: true, resolve: (task) => task.finishedAt ?? null }),
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
  fields: (t) => ({ status: t.field({ type: [TaskStatusType] }), goalId: t.id(), agentId: t.id() }),
});

builder.queryFields((t) => ({
  task: t.field({
    type: TaskType,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: async (_, args, { loaders }) =>
      (await loaders.task.load(decodeId('Task', args.id, 'id'))) ?? null,
  }),
  tasks: t.field({
    type: builder.connectionObject(
      {
        type: TaskType,
        name: 'QueryTasksConnection',
        fields: (c) => ({
          totalCount: c.int({ resolve: (page) => (page as unknown as { count(): Promise<number> }).count() }),
        }),
      },
      { name: 'QueryTasksConnectionEdge' },
    ),
    description: 'Newest first.',
    args: { ...t.arg.connectionArgs(), where: t.arg({ type: TaskFilterInput }) },
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
  fields: (t) => ({
    title: t.string({ required: true }),
    instruction: t.string({ required: true }),
    projectId: t.id(),
    capabilities: t.stringList({
      required: true,
      defaultValue: [],
      description: 'What an agent must be able to do, all of it.',
    }),
    priority: t.int({ defaultValue: 0 }),
    runAt: t.field({ type: 'DateTime', description: 'Not started before; now when absent.' }),
    maxAttempts: t.int({ defaultValue: 3 }),
    timeoutSeconds: t.float({ description: 'Longest time of one attempt.' }),
    idempotencyKey: t.string(),
  }),
});
const CancelTaskInput = builder.inputType('CancelTaskInput', {
  fields: (t) => ({ taskId: t.id({ required: true }), reason: t.string(), idempotencyKey: t.string() }),
});
const RetryTaskInput = builder.inputType('RetryTaskInput', {
  fields: (t) => ({ taskId: t.id({ required: true }), idempotencyKey: t.string() }),
});
const ResolveStepInput = builder.inputType('ResolveStepInput', {
  description: 'What to do with a step that may or may not have had its effect before the server died.',
  fields: (t) => ({
    taskId: t.id({ required: true }),
    stepId: t.id({ required: true }),
    decision: t.field({ type: StepDecisionType, required: true }),
    idempotencyKey: t.string(),
  }),
});

builder.mutationFields((t) => ({
  createTask: t.field({
    type: TaskType,
    description: 'Queues a task of its own, outside any plan.',
    errors: { types: createErrors, union: { name: 'CreateTaskResult' } },
    args: { input: t.arg({ type: CreateTaskInput, required: true }) },
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
    description: 'Stops a task, also in the middle of its work.',
    errors: { types: changeErrors, union: { name: 'CancelTaskResult' } },
    args: { input: t.arg({ type: CancelTaskInput, required: true }) },
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
      'Replays a dead letter: a FAILED (or CANCELED) task is queued again with fresh attempts; finished steps are not repeated.',
    errors: { types: changeErrors, union: { name: 'RetryTaskResult' } },
    args: { input: t.arg({ type: RetryTaskInput, required: true }) },
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
    args: { input: t.arg({ type: ResolveStepInput, required: true }) },
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
    description: 'The task now, then after each of its changes.',
    args: { id: t.arg.id({ required: true }) },
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
    description: 'Streamed text of the task’s attempts from the start, or behind `after`, then live.',
    args: { id: t.arg.id({ required: true }), after: t.arg.string() },
    subscribe: async (_, args, { deps, scope, signal, em }) => {
      const taskId = decodeId('Task', args.id, 'id');
      if ((await findTasks(em(), scope.workspaceId, [taskId])).length === 0)
        throw new NotFoundError('Task', taskId);
      return deps.hub.output(given({ workspaceId: scope.workspaceId, taskId, after: args.after }), signal);
    },
    resolve: (delta) => delta,
  }),
}));

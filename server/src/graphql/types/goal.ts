import type { Goal } from '../../entities/goal.ts';
import type { Output } from '../../entities/output.ts';
import { topologicalOrder } from '../../engines/workflow/graph.ts';
import { NotFoundError } from '../../lib/errors.ts';
import { countGoals, findGoals, listGoals } from '../../stores/goal-reads.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { changeErrors, createErrors, expectFailures } from '../errors.ts';
import { decodeId, decodeOptionalId, encodeId } from '../ids.ts';
import { given } from '../input.ts';
import { followSubjects } from '../follow.ts';
import { pageCost, parsePage, toConnection } from '../pages.ts';
import { CrewType } from './crew.ts';
import { GoalStatusType, RiskType } from './enums.ts';
import { NodeInterface } from './node.ts';
import { OutputType } from './output.ts';
import { FailureType, ProgressType, failureOf } from './parts.ts';
import { PlanType, planOf } from './plan.ts';
import { ProjectType } from './project.ts';
import { TaskType } from './task.ts';
import { WorkflowRunType } from './workflow-run.ts';
import { GoalType } from './goal-ref.ts';

GoalType.implement({
  description: 'What a person asked the hive to do, with the plan and the run that answer it.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: (goal) => encodeId('Goal', goal.id) }),
    text: t.exposeString('text', { description: 'As it was asked.' }),
    status: t.field({ type: GoalStatusType, resolve: (goal) => goal.status }),
    autoStart: t.exposeBoolean('autoStart', {
      description: 'Whether the plan runs without being accepted first.',
    }),
    project: t.field({
      type: ProjectType,
      nullable: true,
      resolve: async (goal, _, { loaders }) =>
        goal.projectId ? ((await loaders.project.load(goal.projectId)) ?? null) : null,
    }),
    crew: t.field({
      type: CrewType,
      nullable: true,
      description: 'The only agents that may work on it; any agent when null.',
      resolve: async (goal, _, { loaders }) =>
        goal.crewId ? ((await loaders.crew.load(goal.crewId)) ?? null) : null,
    }),
    plan: t.field({
      type: PlanType,
      nullable: true,
      description: 'Null while planning.',
      resolve: (goal) => planOf(goal),
    }),
    run: t.field({
      type: WorkflowRunType,
      nullable: true,
      description: 'The newest run of the plan.',
      resolve: async (goal, _, { loaders }) => (await loaders.latestRunOfGoal(goal.id)) ?? null,
    }),
    tasks: t.field({
      type: goalTasksConnection,
      description: 'Tasks of the newest run, in the order of the plan.',
      args: { first: t.arg.int(), after: t.arg.string() },
      complexity: pageCost,
      resolve: async (goal, args, { loaders }) => {
        const page = parsePage(args);
        const run = await loaders.latestRunOfGoal(goal.id);
        return toConnection(
          run ? await loaders.pageOfRunTasks(run.id, page) : { rows: [], hasNext: false, hasPrevious: false },
        );
      },
    }),
    progress: t.field({
      type: ProgressType,
      resolve: (goal, _, { loaders }) => loaders.progressOfGoal(goal.id),
    }),
    result: t.field({
      type: OutputType,
      nullable: true,
      description: 'The output of the last task of the plan, once the goal has succeeded.',
      resolve: (goal, _, context) => resultOf(goal, context),
    }),
    failure: t.field({ type: FailureType, nullable: true, resolve: (goal) => failureOf(goal) }),
    usesLanguageModel: t.exposeBoolean('usesLanguageModel', {
      description: 'False when the answer was or will be made without a language model (extractive).',
    }),
    version: t.exposeInt('version', { description: 'Grows with every change: a smaller one is older.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
    startedAt: t.field({ type: 'DateTime', nullable: true, resolve: (goal) => goal.startedAt ?? null }),
    finishedAt: t.field({ type: 'DateTime', nullable: true, resolve: (goal) => goal.finishedAt ?? null }),
  }),
});

const goalTasksConnection = builder.connectionObject(
  { type: TaskType, name: 'GoalTasksConnection' },
  { name: 'GoalTasksConnectionEdge' },
);

/** Of the run's sink; of several, the one that comes last in topological order. */
async function resultOf(goal: Goal, { loaders }: Context): Promise<Output | null> {
  if (goal.status !== 'SUCCEEDED') return null;
  const run = await loaders.latestRunOfGoal(goal.id);
  if (!run) return null;
  const graph = run.graph as { nodes?: { id: string; dependsOn: string[] }[] };
  const last = topologicalOrder({ nodes: (graph.nodes ?? []) as never }).at(-1);
  const task = (await loaders.tasksOfRun.load(run.id)).find((candidate) => candidate.nodeId === last?.id);
  return task ? ((await loaders.outputOfTask.load(task.id)) ?? null) : null;
}

const GoalFilterInput = builder.inputType('GoalFilter', {
  description: 'All given conditions hold.',
  fields: (t) => ({ status: t.field({ type: [GoalStatusType] }), projectId: t.id() }),
});

builder.queryFields((t) => ({
  goal: t.field({
    type: GoalType,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: async (_, args, { loaders }) =>
      (await loaders.goal.load(decodeId('Goal', args.id, 'id'))) ?? null,
  }),
  goals: t.field({
    type: builder.connectionObject(
      {
        type: GoalType,
        name: 'QueryGoalsConnection',
        fields: (c) => ({
          totalCount: c.int({ resolve: (page) => (page as unknown as { count(): Promise<number> }).count() }),
        }),
      },
      { name: 'QueryGoalsConnectionEdge' },
    ),
    description: 'Newest first.',
    args: { ...t.arg.connectionArgs(), where: t.arg({ type: GoalFilterInput }) },
    complexity: pageCost,
    resolve: async (_, args, { em, scope }) => {
      const where = {
        status: args.where?.status ?? undefined,
        projectId: decodeOptionalId('Project', args.where?.projectId, 'where.projectId'),
      };
      const page = await listGoals(em(), scope.workspaceId, parsePage(args), where);
      return toConnection(page, () => countGoals(em(), scope.workspaceId, where));
    },
  }),
}));

const DispatchGoalInput = builder.inputType('DispatchGoalInput', {
  fields: (t) => ({
    text: t.string({ required: true, description: 'What to do, 1 to 20,000 characters.' }),
    projectId: t.id({ description: 'The project it is about.' }),
    crewId: t.id({ description: 'Only this crew may work on it.' }),
    autoStart: t.boolean({ defaultValue: true, description: 'False waits for acceptPlan.' }),
    idempotencyKey: t.string(),
  }),
});
const AcceptPlanInput = builder.inputType('AcceptPlanInput', {
  fields: (t) => ({ goalId: t.id({ required: true }), idempotencyKey: t.string() }),
});
const PlanNodeInput = builder.inputType('PlanNodeInput', {
  fields: (t) => ({
    id: t.string({ required: true, description: 'Unique inside the plan: letters, digits, `-` and `_`.' }),
    title: t.string({ required: true }),
    instruction: t.string({ required: true }),
    capabilities: t.stringList({
      required: true,
      defaultValue: [],
      description: 'What an agent must be able to do, all of it.',
    }),
    dependsOn: t.stringList({
      required: true,
      defaultValue: [],
      description: 'Ids of nodes that must succeed first.',
    }),
    risk: t.field({ type: RiskType, defaultValue: 'LOW' }),
  }),
});
const EditPlanInput = builder.inputType('EditPlanInput', {
  fields: (t) => ({
    goalId: t.id({ required: true }),
    nodes: t.field({
      type: [PlanNodeInput],
      required: true,
      description: 'The whole plan, 1 to 1,000 nodes without a cycle.',
    }),
    idempotencyKey: t.string(),
  }),
});
const CancelGoalInput = builder.inputType('CancelGoalInput', {
  fields: (t) => ({ goalId: t.id({ required: true }), reason: t.string(), idempotencyKey: t.string() }),
});

builder.mutationFields((t) => ({
  dispatchGoal: t.field({
    type: GoalType,
    description: 'Accepts a goal and starts planning it.',
    errors: { types: createErrors, union: { name: 'DispatchGoalResult' } },
    args: { input: t.arg({ type: DispatchGoalInput, required: true }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const projectId = decodeOptionalId('Project', input.projectId, 'projectId');
        const crewId = decodeOptionalId('Crew', input.crewId, 'crewId');
        const { text, autoStart, idempotencyKey } = input;
        return deps.orchestrator.dispatchGoal(
          scope,
          given({ text, projectId, crewId, autoStart, idempotencyKey }),
        );
      }),
  }),
  acceptPlan: t.field({
    type: GoalType,
    description: 'Starts a plan that waits for acceptance.',
    errors: { types: changeErrors, union: { name: 'AcceptPlanResult' } },
    args: { input: t.arg({ type: AcceptPlanInput, required: true }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const goalId = decodeId('Goal', input.goalId, 'goalId');
        return deps.taskManager.acceptPlan(scope, given({ goalId, idempotencyKey: input.idempotencyKey }));
      }),
  }),
  editPlan: t.field({
    type: GoalType,
    description: 'Replaces a plan that waits for acceptance.',
    errors: { types: changeErrors, union: { name: 'EditPlanResult' } },
    args: { input: t.arg({ type: EditPlanInput, required: true }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const goalId = decodeId('Goal', input.goalId, 'goalId');
        const nodes = input.nodes.map((node) => ({ ...node, risk: node.risk ?? 'LOW' }));
        return deps.taskManager.editPlan(
          scope,
          given({ goalId, nodes, idempotencyKey: input.idempotencyKey }),
        );
      }),
  }),
  cancelGoal: t.field({
    type: GoalType,
    description: 'Stops the goal and all its tasks.',
    errors: { types: changeErrors, union: { name: 'CancelGoalResult' } },
    args: { input: t.arg({ type: CancelGoalInput, required: true }) },
    resolve: (_, { input }, { deps, scope }) =>
      expectFailures(input, async () => {
        const goalId = decodeId('Goal', input.goalId, 'goalId');
        return deps.taskManager.cancelGoal(
          scope,
          given({ goalId, reason: input.reason, idempotencyKey: input.idempotencyKey }),
        );
      }),
  }),
}));

builder.subscriptionField('planUpdated', (t) =>
  t.field({
    type: GoalType,
    description: 'The goal now, then after each change of it, its plan or its tasks.',
    args: { goalId: t.arg.id({ required: true }) },
    subscribe: async (_, args, { deps, scope, signal, em }) => {
      const goalId = decodeId('Goal', args.goalId, 'goalId');
      const read = async () => (await findGoals(em(), scope.workspaceId, [goalId]))[0];
      if (!(await read())) throw new NotFoundError('Goal', goalId);
      return followSubjects({
        hub: deps.hub,
        workspaceId: scope.workspaceId,
        where: { goalId },
        initial: [goalId],
        subjectOf: () => goalId,
        read,
        signal,
      });
    },
    resolve: (goal) => goal,
  }),
);

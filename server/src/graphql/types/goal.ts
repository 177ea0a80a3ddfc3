import type { Goal } from '../../entities/goal.ts';
import type { Output } from '../../entities/output.ts';
import { topologicalOrder } from '../../engines/workflow/graph.ts';
import { NotFoundError } from '../../lib/errors.ts';
import { countGoals, findGoals, listGoals } from '../../stores/goal-reads.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { changeErrors, createErrors, expectFailures } from '../errors.ts';
import { decodeId, decodeOptionalId, encodeId } from '../ids.ts';
import { given, idempotencyKeyField } from '../input.ts';
import { followSubjects } from '../follow.ts';
import {
  firstDescription,
  pageArgDescriptions,
  pageCost,
  parsePage,
  toConnection,
  totalCountDescription,
} from '../pages.ts';
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
    id: t.id({ description: 'Global id, `Goal:uuid`.', resolve: (goal) => encodeId('Goal', goal.id) }),
    text: t.exposeString('text', { description: 'As it was asked, 1 to 20,000 characters.' }),
    status: t.field({
      type: GoalStatusType,
      description: 'Where it stands.',
      resolve: (goal) => goal.status,
    }),
    autoStart: t.exposeBoolean('autoStart', {
      description: 'Whether the plan runs without being accepted first.',
    }),
    project: t.field({
      type: ProjectType,
      nullable: true,
      description:
        'The project it is about, the default one unless another was given; null when there is none.',
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
      description: 'How it is to be reached; null while planning, and when it ended before it had a plan.',
      resolve: (goal) => planOf(goal),
    }),
    run: t.field({
      type: WorkflowRunType,
      nullable: true,
      description: 'The newest run of the plan; null before the plan runs.',
      resolve: async (goal, _, { loaders }) => (await loaders.latestRunOfGoal(goal.id)) ?? null,
    }),
    tasks: t.field({
      type: goalTasksConnection,
      description: 'Tasks of the newest run, in the order of the plan.',
      args: {
        first: t.arg.int({ description: firstDescription }),
        after: t.arg.string({ description: pageArgDescriptions.after }),
      },
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
      description: 'Tasks of the newest run by state; all 0 before there is a run.',
      resolve: (goal, _, { loaders }) => loaders.progressOfGoal(goal.id),
    }),
    result: t.field({
      type: OutputType,
      nullable: true,
      description: 'The output of the last task of the plan; null until the goal has SUCCEEDED.',
      resolve: (goal, _, context) => resultOf(goal, context),
    }),
    failure: t.field({
      type: FailureType,
      nullable: true,
      description: 'Why it failed or was canceled, as far as that is known; else null.',
      resolve: (goal) => failureOf(goal),
    }),
    usesLanguageModel: t.exposeBoolean('usesLanguageModel', {
      description: 'False when the answer was or will be made without a language model (extractive).',
    }),
    version: t.exposeInt('version', { description: 'Grows with every change: a smaller one is older.' }),
    createdAt: t.expose('createdAt', { description: 'When it was dispatched.', type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When the goal itself, not one of its tasks, last changed.',
    }),
    startedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When its plan first began to run; null before.',
      resolve: (goal) => goal.startedAt ?? null,
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it succeeded, failed or was canceled; null until then, and again after a retry.',
      resolve: (goal) => goal.finishedAt ?? null,
    }),
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
  fields: (t) => ({
    status: t.field({
      type: [GoalStatusType],
      description: 'Only those in one of these statuses; any when absent.',
    }),
    projectId: t.id({ description: 'Only goals about this project.' }),
  }),
});

builder.queryFields((t) => ({
  goal: t.field({
    type: GoalType,
    description: 'A goal by its global id; null when there is none.',
    nullable: true,
    args: { id: t.arg.id({ required: true, description: 'Global id of a goal.' }) },
    resolve: async (_, args, { loaders }) =>
      (await loaders.goal.load(decodeId('Goal', args.id, 'id'))) ?? null,
  }),
  goals: t.field({
    type: builder.connectionObject(
      {
        type: GoalType,
        name: 'QueryGoalsConnection',
        fields: (c) => ({
          totalCount: c.int({
            description: totalCountDescription,
            resolve: (page) => (page as unknown as { count(): Promise<number> }).count(),
          }),
        }),
      },
      { name: 'QueryGoalsConnectionEdge' },
    ),
    description: 'Goals, newest first.',
    args: {
      ...t.arg.connectionArgs(),
      where: t.arg({ type: GoalFilterInput, description: 'Which goals; all when absent.' }),
    },
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
  description: 'A goal for the hive.',
  fields: (t) => ({
    text: t.string({ required: true, description: 'What to do, 1 to 20,000 characters.' }),
    projectId: t.id({
      description: 'The project it is about; the folder the server was started in when absent.',
    }),
    crewId: t.id({ description: 'Only this crew may plan it and work on it; any agent when absent.' }),
    autoStart: t.boolean({
      defaultValue: true,
      description: 'Whether the plan runs as soon as it is made; false waits for `acceptPlan`.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const AcceptPlanInput = builder.inputType('AcceptPlanInput', {
  description: 'Which plan to start.',
  fields: (t) => ({
    goalId: t.id({ required: true, description: 'A goal that is AWAITING_ACCEPTANCE.' }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const PlanNodeInput = builder.inputType('PlanNodeInput', {
  description: 'One step of an edited plan.',
  fields: (t) => ({
    id: t.string({
      required: true,
      description:
        'Unique inside the plan: 1 to 64 letters, digits, `-` and `_`; a node keeps its recipe’s parameters with its id.',
    }),
    title: t.string({ required: true, description: 'For people, 1 to 200 characters.' }),
    instruction: t.string({
      required: true,
      description: 'What the agent is to do, 1 to 20,000 characters.',
    }),
    capabilities: t.stringList({
      required: true,
      defaultValue: [],
      description:
        'What an agent must be able to do, all of it: up to 20 words of lower-case letters, digits and hyphens; any agent when empty.',
    }),
    dependsOn: t.stringList({
      required: true,
      defaultValue: [],
      description: 'Ids of nodes that must succeed first.',
    }),
    risk: t.field({
      type: RiskType,
      defaultValue: 'LOW',
      description: 'How much harm the step could do; shown to whoever accepts the plan.',
    }),
  }),
});
const EditPlanInput = builder.inputType('EditPlanInput', {
  description: 'A plan instead of the one that waits.',
  fields: (t) => ({
    goalId: t.id({ required: true, description: 'A goal that is AWAITING_ACCEPTANCE.' }),
    nodes: t.field({
      type: [PlanNodeInput],
      required: true,
      description: 'The whole plan, 1 to 1,000 nodes without a cycle.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const CancelGoalInput = builder.inputType('CancelGoalInput', {
  description: 'Which goal to stop.',
  fields: (t) => ({
    goalId: t.id({
      required: true,
      description: 'A goal that has not ended; one that is CANCELED stays so, which is a success.',
    }),
    reason: t.string({
      description: 'Why, for people, up to 1,000 characters; shown as the failure of the goal and its tasks.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});

builder.mutationFields((t) => ({
  dispatchGoal: t.field({
    type: GoalType,
    description: 'Accepts a goal and starts planning it.',
    errors: { types: createErrors, union: { name: 'DispatchGoalResult' } },
    args: { input: t.arg({ type: DispatchGoalInput, required: true, description: 'The goal.' }) },
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
    args: { input: t.arg({ type: AcceptPlanInput, required: true, description: 'Which plan.' }) },
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
    args: { input: t.arg({ type: EditPlanInput, required: true, description: 'The new plan.' }) },
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
    description: 'Stops the goal and all its tasks that have not ended.',
    errors: { types: changeErrors, union: { name: 'CancelGoalResult' } },
    args: { input: t.arg({ type: CancelGoalInput, required: true, description: 'Which goal, and why.' }) },
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
    args: {
      goalId: t.arg.id({
        required: true,
        description: 'The goal to watch; refused with NOT_FOUND when there is none.',
      }),
    },
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

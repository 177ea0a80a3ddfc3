import type { MikroORM } from '@mikro-orm/postgresql';
import { z } from 'zod';
import type { Goal } from '../entities/goal.ts';
import type { Task } from '../entities/task.ts';
import type { ClaimedTask, TaskOutcome } from '../engines/task-execution/task-context.ts';
import { isTerminal } from '../engines/task-execution/task-state.ts';
import { goalSources } from '../engines/workflow/goal-state.ts';
import { capabilitiesSchema, parseGraph } from '../engines/workflow/graph.ts';
import { startRun } from '../engines/workflow/start-run.ts';
import { InvalidStateError, NotFoundError } from '../lib/errors.ts';
import type { Json } from '../lib/json.ts';
import { findGoals } from '../stores/goal-reads.ts';
import { insertGoal, listOpenTaskIds, moveGoal, type PlanChange } from '../stores/goal-store.ts';
import { assertInWorkspace, projectOfTask } from '../stores/reference-check.ts';
import type { Sql } from '../stores/sql.ts';
import { allowStepRepeat, isStepUncertain } from '../stores/step-store.ts';
import { enqueueTasks, type NewTask } from '../stores/task-enqueue.ts';
import { replayTask, wakeWaitingTask } from '../stores/task-lease.ts';
import { findTasks } from '../stores/task-reads.ts';
import { forkForTenant } from '../stores/tenancy.ts';
import { cancelTasks, failWaitingTask, settleTasks, type Verdict } from '../stores/task-settle.ts';
import { cancelRuns } from '../stores/workflow-run-store.ts';
import { auditedChange, type AuditedChange, type OnDenied } from './authorise.ts';
import { keepParameters, lockGoal, planningTask, planOutcome, refuse } from './goal-plan.ts';
import { parseInput, plainText } from './input.ts';
import { inTransaction, type Scope } from './transaction.ts';

export const maxGoalLength = 20_000;

const key = z.string().nullish();
const reason = z.string().max(1_000).nullish();

const dispatchGoalInput = z.object({
  text: plainText(maxGoalLength),
  projectId: z.uuid().nullish(),
  crewId: z.uuid().nullish(),
  autoStart: z.boolean().nullish(),
  idempotencyKey: key,
});
const createTaskInput = z.object({
  title: plainText(200),
  instruction: plainText(maxGoalLength),
  projectId: z.uuid().nullish(),
  capabilities: capabilitiesSchema.default([]),
  priority: z.int().min(-1_000).max(1_000).nullish(),
  runAt: z.date().nullish(),
  maxAttempts: z.int().min(1).max(100).nullish(),
  backoff: z
    .object({
      initialSeconds: z.number().min(0).max(86_400),
      factor: z.number().min(1).max(10),
      maxSeconds: z.number().min(0).max(86_400),
    })
    .nullish(),
  timeoutMs: z.int().min(1).max(86_400_000).nullish(),
  idempotencyKey: key,
});

export type DispatchGoalInput = z.input<typeof dispatchGoalInput>;
export type CreateTaskInput = z.input<typeof createTaskInput>;
interface Keyed {
  idempotencyKey?: string | null | undefined;
}

type ChangeKind = Omit<AuditedChange, 'input' | 'idempotencyKey'>;

/** Something done to a goal. What a person typed is not in the record: it can be erased, the record cannot. */
function onGoal(
  { workspaceId }: Scope,
  operation: string,
  { goalId }: { goalId: string },
  detail: Json = {},
): ChangeKind {
  return {
    operation,
    action: 'goal.steer',
    resource: async (sql) => ({ projectId: (await lockGoal(sql, workspaceId, goalId)).projectId }),
    subject: { type: 'Goal', id: goalId },
    detail,
  };
}

function onTask(
  { workspaceId }: Scope,
  operation: string,
  { taskId }: { taskId: string },
  detail: Json = {},
): ChangeKind {
  return {
    operation,
    action: 'task.steer',
    resource: async (sql) => ({ projectId: await projectOfTask(sql, workspaceId, taskId) }),
    subject: { type: 'Task', id: taskId },
    detail,
  };
}

export interface TaskManagerDeps {
  orm: Pick<MikroORM, 'em'>;
  /** Called after the commit of a change that wrote events and may have made tasks ready. */
  onChanged(): void;
  /** Called after the commit that canceled these tasks, so that whoever runs one stops it. */
  onCanceled(taskIds: readonly string[]): void;
  onDenied: OnDenied;
}

export type TaskManager = ReturnType<typeof createTaskManager>;

/** Owns goals, plans and tasks: checks, the transaction, the events. */
export function createTaskManager(deps: TaskManagerDeps) {
  const { orm } = deps;

  /** One keyed change, decided, made and on the record in one transaction. @returns the id of the changed row */
  async function change(scope: Scope, kind: ChangeKind, input: Keyed, effect: (sql: Sql) => Promise<string>) {
    const { idempotencyKey, ...rest } = input;
    const { id } = await auditedChange(deps, scope, { ...kind, input: rest, idempotencyKey }, effect);
    deps.onChanged();
    return id;
  }
  const goalOf = async (scope: Scope, id: string): Promise<Goal> => {
    const [goal] = await findGoals(forkForTenant(orm, scope), scope.workspaceId, [id]);
    if (!goal) throw new NotFoundError('Goal', id);
    return goal;
  };
  const taskOf = async (scope: Scope, id: string): Promise<Task> => {
    const [task] = await findTasks(forkForTenant(orm, scope), scope.workspaceId, [id]);
    if (!task) throw new NotFoundError('Task', id);
    return task;
  };

  return {
    /** Takes a goal on: writes it with the task that plans it. @throws ValidationError, NotFoundError */
    async dispatchGoal(scope: Scope, rawInput: DispatchGoalInput): Promise<Goal> {
      const input = parseInput(dispatchGoalInput, rawInput);
      const { workspaceId } = scope;
      const kind: ChangeKind = {
        operation: 'dispatchGoal',
        action: 'goal.dispatch',
        resource: { projectId: input.projectId ?? null },
        subject: { type: 'Goal' },
        detail: { projectId: input.projectId ?? null, crewId: input.crewId ?? null },
      };
      const id = await change(scope, kind, input, async (sql) => {
        if (input.projectId) await assertInWorkspace(sql, 'project', workspaceId, input.projectId);
        if (input.crewId) await assertInWorkspace(sql, 'crew', workspaceId, input.crewId);
        const [projectId, crewId] = [input.projectId ?? null, input.crewId ?? null];
        const goalId = await insertGoal(sql, {
          workspaceId,
          projectId,
          crewId,
          text: input.text,
          autoStart: input.autoStart ?? true,
        });
        await enqueueTasks(sql, [planningTask({ workspaceId, goalId, projectId, crewId, text: input.text })]);
        return goalId;
      });
      return goalOf(scope, id);
    },

    /**
     * Writes a finished planning attempt: the plan and, when the goal starts by itself, its run, in the transaction that
     * settles the attempt.
     * @returns false when the attempt's lease was lost or the goal no longer wants a plan; nothing is written then
     * @throws ValidationError when the plan is no valid graph
     */
    async applyPlan(task: ClaimedTask, outcome: TaskOutcome | undefined, verdict: Verdict): Promise<boolean> {
      const plan = parseInput(planOutcome, outcome?.data);
      const graph = parseGraph(plan.graph);
      const { workspaceId, goalId } = task;
      if (!goalId) throw new NotFoundError('Goal of planning task', task.id);
      return inTransaction(orm, { workspaceId }, async (sql) => {
        const goal = await lockGoal(sql, workspaceId, goalId);
        const moved = await settleTasks(sql, task.leaseOwner, [verdict]);
        if (moved.length === 0 || goal.status !== 'PLANNING') return false;
        const change: PlanChange = { ...plan, graph };
        const move = { workspaceId, goalId, from: ['PLANNING' as const], plan: change };
        await moveGoal(sql, { ...move, to: goal.autoStart ? 'RUNNING' : 'AWAITING_ACCEPTANCE' });
        if (goal.autoStart) await startRun(sql, { ...goal, workspaceId, goalId, graph });
        return true;
      });
    },

    /** Starts the run of a plan that waits for acceptance. */
    async acceptPlan(scope: Scope, input: { goalId: string } & Keyed): Promise<Goal> {
      const { workspaceId } = scope;
      const id = await change(scope, onGoal(scope, 'acceptPlan', input), input, async (sql) => {
        const goal = await lockGoal(sql, workspaceId, input.goalId);
        if (goal.status !== 'AWAITING_ACCEPTANCE') throw refuse('accept the plan of', goal.status);
        await moveGoal(sql, {
          workspaceId,
          goalId: input.goalId,
          from: ['AWAITING_ACCEPTANCE'],
          to: 'RUNNING',
        });
        await startRun(sql, { ...goal, workspaceId, goalId: input.goalId, graph: parseGraph(goal.plan) });
        return input.goalId;
      });
      return goalOf(scope, id);
    },

    /** Replaces a plan that waits for acceptance. @throws ValidationError naming the node */
    async editPlan(scope: Scope, input: { goalId: string; nodes: unknown } & Keyed): Promise<Goal> {
      const { workspaceId } = scope;
      const id = await change(scope, onGoal(scope, 'editPlan', input), input, async (sql) => {
        const goal = await lockGoal(sql, workspaceId, input.goalId);
        if (goal.status !== 'AWAITING_ACCEPTANCE') throw refuse('edit the plan of', goal.status);
        const before = parseGraph(goal.plan);
        const edited = parseGraph({ summary: before.summary, nodes: input.nodes });
        const plan: PlanChange = {
          graph: keepParameters(edited, before),
          source: 'EDITED',
          cached: false,
          recipe: goal.planRecipe,
          usesLanguageModel: goal.usesLanguageModel,
        };
        await moveGoal(sql, {
          workspaceId,
          goalId: input.goalId,
          from: ['AWAITING_ACCEPTANCE'],
          to: 'AWAITING_ACCEPTANCE',
          plan,
        });
        return input.goalId;
      });
      return goalOf(scope, id);
    },

    /** Ends a goal and everything it still has to do. Canceling a canceled goal is a success. */
    async cancelGoal(
      scope: Scope,
      rawInput: { goalId: string; reason?: string | null | undefined } & Keyed,
    ): Promise<Goal> {
      const { workspaceId } = scope;
      const input = {
        ...rawInput,
        reason: parseInput(z.object({ reason }), { reason: rawInput.reason }).reason,
      };
      let stopped: string[] = [];
      const id = await change(scope, onGoal(scope, 'cancelGoal', input), input, async (sql) => {
        const goal = await lockGoal(sql, workspaceId, input.goalId);
        if (goal.status === 'CANCELED') return input.goalId;
        const from = goalSources('CANCELED');
        if (!from.includes(goal.status)) throw refuse('cancel', goal.status);
        const message = input.reason ?? 'The goal was canceled.';
        await moveGoal(sql, {
          workspaceId,
          goalId: input.goalId,
          from,
          to: 'CANCELED',
          failure: { code: 'CANCELED', message },
        });
        await cancelRuns(sql, workspaceId, input.goalId);
        const taskIds = await listOpenTaskIds(sql, workspaceId, input.goalId);
        const moved = await cancelTasks(sql, {
          workspaceId,
          taskIds,
          reason: message,
          withDependents: false,
        });
        stopped = moved.map((task) => task.id);
        return input.goalId;
      });
      deps.onCanceled(stopped);
      return goalOf(scope, id);
    },

    /** A single task outside any goal. */
    async createTask(scope: Scope, rawInput: CreateTaskInput): Promise<Task> {
      const input = parseInput(createTaskInput, rawInput);
      const { workspaceId } = scope;
      const kind: ChangeKind = {
        operation: 'createTask',
        action: 'task.create',
        resource: { projectId: input.projectId ?? null },
        subject: { type: 'Task' },
        detail: { projectId: input.projectId ?? null, capabilities: input.capabilities },
      };
      const id = await change(scope, kind, input, async (sql) => {
        if (input.projectId) await assertInWorkspace(sql, 'project', workspaceId, input.projectId);
        const task: NewTask = {
          workspaceId,
          projectId: input.projectId ?? null,
          nodeId: 'task',
          kind: 'AGENT',
          title: input.title,
          instruction: input.instruction,
          requiredCapabilities: input.capabilities,
          priority: input.priority ?? 0,
          runAt: input.runAt ?? null,
          ...(input.maxAttempts ? { maxAttempts: input.maxAttempts } : {}),
          ...(input.backoff
            ? {
                backoffInitialMs: Math.round(input.backoff.initialSeconds * 1_000),
                backoffFactor: input.backoff.factor,
                backoffMaxMs: Math.round(input.backoff.maxSeconds * 1_000),
              }
            : {}),
          ...(input.timeoutMs ? { timeoutMs: input.timeoutMs } : {}),
        };
        const [taskId] = await enqueueTasks(sql, [task]);
        return taskId!;
      });
      return taskOf(scope, id);
    },

    /** Cancels a task and whatever waits for it. Canceling a canceled task is a success. */
    async cancelTask(
      scope: Scope,
      rawInput: { taskId: string; reason?: string | null | undefined } & Keyed,
    ): Promise<Task> {
      const { workspaceId } = scope;
      const input = {
        ...rawInput,
        reason: parseInput(z.object({ reason }), { reason: rawInput.reason }).reason,
      };
      let stopped: string[] = [];
      const id = await change(scope, onTask(scope, 'cancelTask', input), input, async (sql) => {
        const options = {
          workspaceId,
          taskIds: [input.taskId],
          reason: input.reason ?? 'The task was canceled.',
          withDependents: true,
        };
        const moved = await cancelTasks(sql, options);
        stopped = moved.map((task) => task.id);
        if (moved.length === 0) {
          const status = await assertInWorkspace(sql, 'task', workspaceId, input.taskId);
          if (status !== 'CANCELED')
            throw new InvalidStateError(`The task has already ended: it is ${status}.`, status);
        }
        return input.taskId;
      });
      deps.onCanceled(stopped);
      return taskOf(scope, id);
    },

    /** Replays a dead letter with fresh attempts; its finished steps are not repeated. */
    async retryTask(scope: Scope, input: { taskId: string } & Keyed): Promise<Task> {
      const { workspaceId } = scope;
      const id = await change(scope, onTask(scope, 'retryTask', input), input, async (sql) => {
        if (await replayTask(sql, workspaceId, input.taskId)) return input.taskId;
        const status = await assertInWorkspace(sql, 'task', workspaceId, input.taskId);
        if (status === 'FAILED')
          throw new InvalidStateError('The task belongs to a goal that was canceled.', status);
        const hint = isTerminal(status as Task['status'])
          ? 'Only a failed task can be retried'
          : 'The task has not ended';
        throw new InvalidStateError(`${hint}: it is ${status}.`, status);
      });
      return taskOf(scope, id);
    },

    /** A person's decision on a step that may or may not have had its effect. */
    async resolveStep(
      scope: Scope,
      input: { taskId: string; stepId: string; decision: 'REPEAT' | 'FAIL' } & Keyed,
    ): Promise<Task> {
      const { workspaceId } = scope;
      const kind: ChangeKind = {
        ...onTask(scope, 'resolveStep', input, { stepId: input.stepId, decision: input.decision }),
        action: 'decision.make',
      };
      const id = await change(scope, kind, input, async (sql) => {
        const status = await assertInWorkspace(sql, 'task', workspaceId, input.taskId);
        if (status !== 'WAITING')
          throw new InvalidStateError(`The task does not wait for a decision: it is ${status}.`, status);
        const { taskId, stepId, decision } = input;
        if (!(await isStepUncertain(sql, workspaceId, taskId, stepId)))
          throw new NotFoundError('Step', stepId);
        if (decision === 'REPEAT') {
          await allowStepRepeat(sql, workspaceId, taskId, stepId);
          await wakeWaitingTask(sql, workspaceId, taskId);
        } else {
          // The step stays uncertain: should the dead letter be replayed one day, the question is asked again.
          const message = 'A person decided not to repeat a step that may have had its effect.';
          await failWaitingTask(sql, { workspaceId, taskId, code: 'STEP_NOT_REPEATED', message });
        }
        return input.taskId;
      });
      return taskOf(scope, id);
    },
  };
}

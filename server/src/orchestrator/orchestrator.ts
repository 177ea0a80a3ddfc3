import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { startLoop, type Loop } from '../lib/loop.ts';
import { withTimeout } from '../lib/timeout.ts';
import type { Goal } from '../entities/goal.ts';
import type { Task } from '../entities/task.ts';
import type { SettledAttempt, TaskExecution } from '../engines/task-execution/task-execution.ts';
import type { Hub } from '../hub/hub.ts';
import type { WakeChannel } from '../hub/wake-channel.ts';
import type { ResourceManager } from '../managers/resource-manager.ts';
import type { CreateTaskInput, DispatchGoalInput, TaskManager } from '../managers/task-manager.ts';
import type { Scope } from '../managers/transaction.ts';
import { dropEventPartitions, ensureEventPartitions } from '../stores/event-partitions.ts';
import { forgetOldKeys } from '../stores/idempotency-store.ts';
import type { Sql } from '../stores/sql.ts';
import { listWorkspaceIds } from '../stores/workspace-store.ts';
import { AttemptRecord } from './attempt-record.ts';
import { RoutingWatch } from './routing-watch.ts';

export interface OrchestratorDeps {
  /** With the rights of the hive: every workspace is served. */
  sql: Sql;
  clock: Clock;
  log: Logger;
  hub: Hub;
  wakes: WakeChannel;
  execution: TaskExecution;
  taskManager: Pick<TaskManager, 'dispatchGoal' | 'createTask'>;
  resourceManager: Pick<ResourceManager, 'ensureStarterCrew' | 'beat' | 'refresh' | 'recordAttempts'>;
  /** The project a goal without one is about; undefined when its workspace has none. */
  findDefaultProjectId(scope: Scope): Promise<string | undefined>;
  /** Asked each time, as they may be reconfigured. */
  settings(): {
    internalTimeoutMs: number;
    agentHealthIntervalMs: number;
    eventRetentionDays: number;
  };
}

/** Days of event partitions made ahead: a server may be off that long and still find one. */
const partitionDaysAhead = 3;
const hourMs = 3_600_000;

/**
 * The single point of control: starts and stops the loops, accepts goals, and keeps the agents' records. Everything it
 * knows is in the database; it can be killed at any moment.
 */
export class Orchestrator {
  readonly #deps: OrchestratorDeps;
  readonly #attempts = new AttemptRecord();
  readonly #loops: Loop[] = [];
  #agentLoop: Loop | undefined;
  #routingLoop: Loop | undefined;
  #routingRestsUntil = 0;

  constructor(deps: OrchestratorDeps) {
    this.#deps = deps;
  }

  /** Makes the hive ready and starts every loop. The database must be migrated. */
  async start(): Promise<void> {
    const { resourceManager, execution, wakes, sql, settings } = this.#deps;
    await ensureEventPartitions(sql, new Date(this.#deps.clock.now()), partitionDaysAhead);
    for (const workspaceId of await listWorkspaceIds(sql))
      await resourceManager.ensureStarterCrew({ workspaceId });
    await resourceManager.beat();
    wakes.start();
    execution.start();
    this.#agentLoop = this.#loop('agent-record', 5_000, () => this.#recordAttempts());
    const routing = new RoutingWatch(sql, () => this.committed());
    this.#routingLoop = this.#loop('task-routing', 1_000, () => this.#watchRouting(routing));
    this.#loop(
      'agent-health',
      () => settings().agentHealthIntervalMs,
      () => resourceManager.beat(),
    );
    this.#loop('housekeeping', hourMs, () => this.#keepHouse());
  }

  /** Settings that take effect without a restart were changed. */
  reconfigured(): void {
    for (const loop of this.#loops) loop.wake();
  }

  /**
   * Takes a goal on. Without a project it is about the default one.
   * @throws ValidationError, NotFoundError, IdempotencyConflictError; UNAVAILABLE or TIMEOUT when nothing was acknowledged
   */
  async dispatchGoal(scope: Scope, input: DispatchGoalInput): Promise<Goal> {
    const dispatch = async () =>
      this.#deps.taskManager.dispatchGoal(scope, await this.#withProject(scope, input));
    return withTimeout('Dispatching the goal', dispatch(), this.#deps.settings().internalTimeoutMs);
  }

  /** Queues a single task. Without a project it is about the default one. @throws as dispatchGoal */
  async createTask(scope: Scope, input: CreateTaskInput): Promise<Task> {
    const create = async () =>
      this.#deps.taskManager.createTask(scope, await this.#withProject(scope, input));
    return withTimeout('Creating the task', create(), this.#deps.settings().internalTimeoutMs);
  }

  /** Something was committed in this process: whoever follows the log or waits for work looks now. */
  committed(): void {
    this.#deps.hub.wake();
    this.#deps.wakes.notify();
  }

  /** The same, and tasks may have become ready. */
  changed(): void {
    this.committed();
    this.#deps.execution.wake();
    this.#routingLoop?.wake();
  }

  /** Another process committed something. */
  wokenFromOutside(): void {
    this.#deps.hub.wake();
    this.#deps.execution.wake();
  }

  taskCanceledHere(taskId: string): void {
    this.#deps.execution.cancel(taskId);
    this.#deps.wakes.notifyCancel(taskId);
  }

  attemptsClaimed(): void {
    this.#agentLoop?.wake();
  }

  attemptSettled(attempt: SettledAttempt): void {
    this.#attempts.add(attempt);
    this.#agentLoop?.wake();
  }

  /** Stops in reverse order of start; work in flight has until the deadline, then its leases are released. */
  async stop(deadlineMs: number): Promise<void> {
    await this.#deps.execution.drain(deadlineMs);
    for (const loop of this.#loops.reverse()) await loop.stop();
    try {
      await this.#recordAttempts();
    } catch (error) {
      this.#deps.log.warn({ error: messageOf(error) }, 'agent records of the last attempts not written');
    }
    await this.#deps.wakes.stop();
  }

  async #withProject<Input extends { projectId?: string | null | undefined }>(
    scope: Scope,
    input: Input,
  ): Promise<Input> {
    return { ...input, projectId: input.projectId ?? (await this.#deps.findDefaultProjectId(scope)) };
  }

  #loop(name: string, intervalMs: number | (() => number), turn: () => Promise<boolean | void>): Loop {
    const { clock, log } = this.#deps;
    const loop = startLoop({ name, intervalMs, clock, log, turn });
    this.#loops.push(loop);
    return loop;
  }

  /** With a hundred thousand tasks that nobody can do, a look takes long: then looks are rare, whatever wakes the loop. */
  async #watchRouting(routing: RoutingWatch): Promise<boolean> {
    const { clock } = this.#deps;
    const began = clock.now();
    if (began < this.#routingRestsUntil) return false;
    const more = await routing.turn();
    const tookMs = clock.now() - began;
    if (!more && tookMs > 50) this.#routingRestsUntil = clock.now() + 20 * tookMs;
    return more;
  }

  async #recordAttempts(): Promise<void> {
    // Claims and ends come in bursts; one statement serves them all.
    await this.#deps.clock.sleep(50);
    const taken = this.#attempts.take();
    try {
      await this.#deps.resourceManager.recordAttempts(taken);
    } catch (error) {
      this.#attempts.putBack(taken);
      throw error;
    }
    await this.#deps.resourceManager.refresh();
  }

  async #keepHouse(): Promise<void> {
    const { sql, clock, log, settings } = this.#deps;
    const today = new Date(clock.now());
    await ensureEventPartitions(sql, today, partitionDaysAhead);
    await forgetOldKeys(sql);
    const { eventRetentionDays } = settings();
    if (eventRetentionDays === 0) return;
    const dropped = await dropEventPartitions(sql, today, eventRetentionDays);
    if (dropped.length > 0) log.info({ dropped }, 'history past its retention dropped');
  }
}

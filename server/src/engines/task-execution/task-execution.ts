import type { Pool, PoolClient } from 'pg';
import { backoffMs } from '../../lib/backoff.ts';
import { createBatcher, type Batcher } from '../../lib/batcher.ts';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { startLoop, type Loop } from '../../lib/loop.ts';
import { saveChunks } from '../../stores/output-store.ts';
import { sqlOfPool, type Sql } from '../../stores/sql.ts';
import { claimTasks, type ClaimRequest } from '../../stores/task-claim.ts';
import { extendLeases } from '../../stores/task-lease.ts';
import type { ClaimedTaskRow } from '../../stores/task-rows.ts';
import { settleTasks, sweepLeases, type Verdict } from '../../stores/task-settle.ts';
import { isTransient } from '../../lib/transient.ts';
import { Interruption } from './interruption.ts';
import { OutputStream, type OutputPiece } from './output-stream.ts';
import type { ClaimedTask, TaskHandler, TaskOutcome } from './task-context.ts';
import { TaskRun } from './task-run.ts';
import { failureVerdict, successVerdict } from './verdict.ts';

export interface TaskKind {
  run: TaskHandler;
  /**
   * Writes the success of an attempt together with what follows from it, in one transaction; without it the engine's batch
   * does. Returns false when the lease was lost: nothing may have been written then.
   */
  settle?(task: ClaimedTask, outcome: TaskOutcome | undefined, verdict: Verdict): Promise<boolean>;
}

/** An attempt that ended on this node. */
export interface SettledAttempt {
  taskId: string;
  agentId: string | null;
  attemptStatus: Verdict['attemptStatus'];
  durationMs: number;
}

export interface TaskExecutionOptions {
  /** Of hive_system: tasks of every workspace are run here. */
  pool: Pool;
  clock: Clock;
  log: Logger;
  random?: () => number;
  /** Unique to this process. */
  leaseOwner: string;
  /** Prefix that earlier processes of this node share, when at most one of them runs at a time. */
  nodePrefix?: string;
  leaseMs: number;
  /** Most attempts at a time on this node. */
  concurrency: number;
  /** Most tasks in one claim; default 1,000. */
  claimBatch?: number;
  /** Longest wait for new work without a wake, ms; default 500. */
  pollMs?: number;
  /** How long a handler may go on after its signal aborted, ms; default 5,000. Its late result is dropped. */
  graceMs?: number;
  kinds: { readonly [kind: string]: TaskKind };
  assign: ClaimRequest['assign'];
  /** A piece of streamed text, before it is saved. */
  onOutput?(piece: OutputPiece): void;
  /** The attempt's text is complete and saved. */
  onOutputEnd?(task: ClaimedTask): void;
  /** Event rows were committed. */
  onCommitted?(): void;
  onClaimed?(tasks: readonly ClaimedTask[]): void;
  onSettled?(attempt: SettledAttempt): void;
}

interface Running {
  run: TaskRun;
  finished: Promise<void>;
}

const lockKeeper = { initialMs: 100, factor: 2, maxMs: 2_000 };

/**
 * The engine of durable tasks: claims, runs, checkpoints and settles them.
 *
 * Modes: `running → draining → stopped`. `start` begins the loops (claim, lease, sweep). `drain` claims nothing more and
 * starts no further step, gives running steps until its deadline, releases the rest and stops. A SIGKILL at any point
 * leaves rows that the next sweep takes back.
 */
export class TaskExecution {
  readonly #options: TaskExecutionOptions;
  readonly #sql: Sql;
  readonly #running = new Map<string, Running>();
  readonly #settler: Batcher<Verdict, boolean>;
  #mode: 'idle' | 'running' | 'draining' | 'stopped' = 'idle';
  /** The last claim left ready tasks behind, for want of agents or room: freed capacity is worth a look. */
  #leftBehind = false;
  /** Room promised to claims under way. */
  #reserved = 0;
  /** The last claim filled its batch: there is more. */
  #backlog = false;
  #loops: Loop[] = [];
  #claimLoop: Loop | undefined;
  #secondClaimLoop: Loop | undefined;

  constructor(options: TaskExecutionOptions) {
    this.#options = options;
    this.#sql = sqlOfPool(options.pool);
    this.#settler = createBatcher({
      maxSize: 1_000,
      lingerMs: 2,
      flush: (verdicts) => this.#writeVerdicts(verdicts),
    });
  }

  get runningCount(): number {
    return this.#running.size;
  }

  start(): void {
    if (this.#mode !== 'idle') throw new Error(`TaskExecution cannot start: it is ${this.#mode}.`);
    this.#mode = 'running';
    const { clock, log, leaseMs } = this.#options;
    const loop = (name: string, intervalMs: number, turn: () => Promise<boolean | void>) => {
      const started = startLoop({ name, intervalMs, clock, log, turn });
      this.#loops.push(started);
      return started;
    };
    loop('task-sweep', leaseMs / 3, () => this.#sweep());
    loop('task-lease', leaseMs / 3, () => this.#extend());
    const pollMs = this.#options.pollMs ?? 500;
    this.#claimLoop = loop('task-claim', pollMs, () => this.#claim(1));
    // Claims take turns, in the whole cluster; with a backlog, the second loop's stands in line while the first one's is being
    // launched, so that the line is never empty.
    this.#secondClaimLoop = loop('task-claim-ahead', pollMs, async () => {
      if (!this.#backlog) return false;
      const more = await this.#claim(this.#claimBatch);
      // The first loop may have found no room beside what was reserved here.
      if (!more) this.wake();
      return more;
    });
  }

  /** Something may be ready: look now. */
  wake(): void {
    this.#claimLoop?.wake();
  }

  /** Stops an attempt running here, if it does; the row is already CANCELED. */
  cancel(taskId: string): void {
    this.#running.get(taskId)?.run.interrupt(new Interruption('CANCELED'));
  }

  /**
   * Ends all work within the deadline: running steps may finish, then everything left is interrupted and its lease
   * released, so that another process goes on at once.
   */
  async drain(deadlineMs: number): Promise<void> {
    if (this.#mode !== 'running') return;
    this.#mode = 'draining';
    const { clock } = this.#options;
    const ended = () => Promise.all([...this.#running.values()].map((running) => running.finished));
    const claimed = Promise.all([this.#claimLoop?.stop(), this.#secondClaimLoop?.stop()]);
    await Promise.race([claimed.then(ended), clock.sleep(deadlineMs)]);
    for (const { run } of this.#running.values()) run.interrupt(new Interruption('SHUTDOWN'));
    await Promise.race([ended(), clock.sleep(2_000)]);
    await Promise.race([this.#settler.idle(), clock.sleep(2_000)]);
    this.#mode = 'stopped';
    await Promise.all(this.#loops.map((loop) => loop.stop()));
  }

  get #claimBatch(): number {
    return this.#options.claimBatch ?? 1_000;
  }

  /** Claims what there is room for, if that is at least `least`. @returns whether there is more to claim at once */
  async #claim(least: number): Promise<boolean> {
    const { concurrency, pool, leaseOwner, leaseMs, assign } = this.#options;
    const limit = Math.min(this.#claimBatch, concurrency - this.#running.size - this.#reserved);
    if (this.#mode !== 'running' || limit < least) return false;
    this.#reserved += limit;
    let client: PoolClient | undefined;
    let broken: unknown;
    try {
      client = await pool.connect();
      const result = await claimTasks(client, { leaseOwner, leaseMs, limit, assign });
      const isFull = result.tasks.length === limit;
      this.#leftBehind =
        isFull || result.queues.reduce((sum, queue) => sum + queue.readyCount, 0) > result.tasks.length;
      this.#backlog = result.tasks.length === this.#claimBatch;
      if (this.#backlog) this.#secondClaimLoop?.wake();
      if (result.tasks.length === 0) return false;
      const tasks = result.tasks.map((row) => this.#launch(row));
      this.#options.onCommitted?.();
      this.#options.onClaimed?.(tasks);
      // Less than full: the rest waits for agents (see `#leftBehind`), and what came meanwhile has woken the loop.
      return isFull;
    } catch (error) {
      broken = error;
      throw error;
    } finally {
      this.#reserved -= limit;
      client?.release(broken !== undefined);
    }
  }

  #launch(row: ClaimedTaskRow): ClaimedTask {
    const { backoffInitialMs: _i, backoffFactor: _f, backoffMaxMs: _m, ...rest } = row;
    const task: ClaimedTask = { ...rest, leaseOwner: this.#options.leaseOwner };
    const output = new OutputStream({
      task,
      onPiece: (piece) => this.#options.onOutput?.(piece),
      save: (piece) =>
        this.#retry(
          () => saveChunks(this.#sql, [{ ...piece, startOffset: piece.offset }]),
          AbortSignal.timeout(30_000),
        ),
      onSaveFailed: (error) =>
        this.#options.log.warn({ taskId: task.id, error: messageOf(error) }, 'streamed text not saved'),
    });
    const run = new TaskRun({
      task,
      sql: this.#sql,
      output,
      retry: (work, signal) => this.#retry(work, signal),
      isDraining: () => this.#mode !== 'running',
    });
    const finished = this.#attempt(row, run, output).finally(() => {
      this.#running.delete(task.id);
      if (this.#leftBehind) this.wake();
    });
    this.#running.set(task.id, { run, finished });
    return task;
  }

  async #attempt(row: ClaimedTaskRow, run: TaskRun, output: OutputStream): Promise<void> {
    const { clock, log } = this.#options;
    const startedAt = clock.now();
    const timeout = setTimeout(
      () =>
        run.interrupt(
          new Interruption('TIMEOUT', `The attempt ran into its time limit of ${row.timeoutMs} ms.`),
        ),
      row.timeoutMs,
    );
    let verdict: Verdict | undefined;
    try {
      verdict = await this.#judge(row, run, output);
    } catch (error) {
      log.error(
        { taskId: row.id, error: messageOf(error) },
        'attempt could not be settled; its lease will run out',
      );
    } finally {
      clearTimeout(timeout);
      this.#options.onOutputEnd?.(run.task);
    }
    if (verdict) {
      this.#options.onSettled?.({
        taskId: row.id,
        agentId: row.agentId,
        attemptStatus: verdict.attemptStatus,
        durationMs: clock.now() - startedAt,
      });
    }
  }

  /** Runs the handler and writes its verdict. @returns the verdict if it counted */
  async #judge(row: ClaimedTaskRow, run: TaskRun, output: OutputStream): Promise<Verdict | undefined> {
    const kind = this.#options.kinds[row.kind];
    let verdict: Verdict | undefined;
    let settle: TaskKind['settle'];
    let outcome: TaskOutcome | undefined;
    try {
      if (!kind) throw new Error(`This server has no handler for tasks of kind ${row.kind}.`);
      outcome = await this.#untilInterrupted(kind.run(run), run.signal);
      verdict = successVerdict(row, outcome);
      settle = kind.settle;
    } catch (error) {
      const interruption: unknown = run.signal.aborted ? run.signal.reason : error;
      verdict = failureVerdict(row, interruption, this.#options.random ?? Math.random);
    }
    await output.flush();
    if (!verdict) return undefined;
    if (settle) {
      try {
        const counted = await this.#settleWith(settle, run.task, outcome, verdict);
        return counted ? verdict : undefined;
      } catch (error) {
        // The result was refused (an invalid plan, say) or cannot be written: that is how the attempt failed.
        verdict = failureVerdict(row, error, this.#options.random ?? Math.random);
        if (!verdict) return undefined;
      }
    }
    const counted = await this.#settler.add(verdict);
    return counted ? verdict : undefined;
  }

  async #settleWith(
    settle: NonNullable<TaskKind['settle']>,
    task: ClaimedTask,
    outcome: TaskOutcome | undefined,
    verdict: Verdict,
  ) {
    const counted = await this.#retry(
      () => settle(task, outcome, verdict),
      AbortSignal.timeout(this.#options.leaseMs),
    );
    this.#options.onCommitted?.();
    this.wake();
    return counted;
  }

  /** The handler's result; after an abort it has the grace period, then its result no longer counts. */
  #untilInterrupted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const graceMs = this.#options.graceMs ?? 5_000;
    return new Promise((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const onAbort = () => {
        const reason: unknown = signal.reason;
        const shuttingDown = reason instanceof Interruption && reason.kind === 'SHUTDOWN';
        timer = setTimeout(() => reject(reason as Error), shuttingDown ? Math.min(1_000, graceMs) : graceMs);
      };
      if (signal.aborted) onAbort();
      else signal.addEventListener('abort', onAbort, { once: true });
      work.then(resolve, reject).finally(() => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
      });
    });
  }

  async #writeVerdicts(verdicts: readonly Verdict[]): Promise<boolean[]> {
    const patience = AbortSignal.timeout(this.#options.leaseMs);
    const moved = await this.#retry(
      () => settleTasks(this.#sql, this.#options.leaseOwner, verdicts),
      patience,
    );
    this.#options.onCommitted?.();
    const counted = new Set(moved.map((task) => task.id));
    // A finished predecessor may have made its successors ready.
    if (moved.some((task) => this.#running.get(task.id)?.run.task.workflowRunId)) this.wake();
    return verdicts.map((verdict) => counted.has(verdict.taskId));
  }

  async #extend(): Promise<void> {
    // These attempts, not the tasks: a task that is settled meanwhile may already be in its next attempt here.
    const attempts = [...this.#running.values()].map(({ run }) => run);
    if (attempts.length === 0) return;
    const ids = attempts.map(({ task }) => task.id);
    const held = new Set(await extendLeases(this.#sql, this.#options.leaseOwner, this.#options.leaseMs, ids));
    for (const run of attempts) {
      // An attempt that settles right now is no longer held either, and interrupting it then is harmless.
      if (!held.has(run.task.id)) run.interrupt(new Interruption('LEASE_LOST'));
    }
  }

  async #sweep(): Promise<boolean> {
    const { leaseOwner, nodePrefix, log } = this.#options;
    const limit = 500;
    const moved = await sweepLeases(this.#sql, {
      limit,
      currentOwner: leaseOwner,
      ...(nodePrefix === undefined ? {} : { deadOwnerPrefix: nodePrefix }),
    });
    if (moved.length === 0) return false;
    log.warn({ count: moved.length }, 'took back leases of attempts whose process is gone');
    this.#options.onCommitted?.();
    this.wake();
    return moved.length === limit;
  }

  async #retry<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let failures = 1; ; failures += 1) {
      try {
        return await work();
      } catch (error) {
        if (!isTransient(error) || signal.aborted) throw error;
        this.#options.log.debug({ failures, error: messageOf(error) }, 'database busy or away; trying again');
        await this.#options.clock.sleep(
          backoffMs(lockKeeper, failures, this.#options.random ?? Math.random),
          signal,
        );
        if (signal.aborted) throw error;
      }
    }
  }
}

import { messageOf, codeOf } from '../../lib/errors.ts';
import { hashJson, storableJson, storableText, type Json } from '../../lib/json.ts';
import { beginStep, endStep, type StepEnd, type StepTicket } from '../../stores/step-store.ts';
import type { Sql } from '../../stores/sql.ts';
import { Interruption, UncertainStep } from './interruption.ts';
import { maxOutputUnits, type OutputStream } from './output-stream.ts';
import type { ClaimedTask, StepResult, StepRun, StepSpec, TaskContext } from './task-context.ts';

export interface TaskRunOptions {
  task: ClaimedTask;
  sql: Sql;
  output: OutputStream;
  /** Runs a statement again while the database is away, until the signal aborts. */
  retry<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T>;
  /** True once the process is shutting down: no further step starts. */
  isDraining(): boolean;
}

/** One attempt as its handler sees it: checkpoints, streamed text and the signal to stop. */
export class TaskRun implements TaskContext {
  readonly task: ClaimedTask;
  readonly #options: TaskRunOptions;
  readonly #abort = new AbortController();
  #nextPosition = 0;
  #inStep = false;

  constructor(options: TaskRunOptions) {
    this.task = options.task;
    this.#options = options;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  interrupt(reason: Interruption): void {
    if (!this.#abort.signal.aborted) this.#abort.abort(reason);
  }

  emit(text: string): void {
    if (!this.signal.aborted) this.#options.output.emit(text);
  }

  async step<T extends Json>(spec: StepSpec, run: (step: StepRun) => Promise<StepResult<T>>): Promise<T> {
    if (this.#inStep)
      throw new Error(`Step ${spec.name} started while another step of the task was running.`);
    this.#inStep = true;
    try {
      return await this.#runStep(spec, run);
    } finally {
      this.#inStep = false;
    }
  }

  async #runStep<T extends Json>(spec: StepSpec, run: (step: StepRun) => Promise<StepResult<T>>): Promise<T> {
    this.signal.throwIfAborted();
    const ticket = await this.#begin(spec);
    if (ticket.state === 'replay') {
      if (ticket.streamedText) this.emit(ticket.streamedText);
      return ticket.output as T;
    }
    if (ticket.state === 'uncertain') throw new UncertainStep(ticket.stepId, spec.name);
    if (ticket.state === 'lost') throw this.#stop('LEASE_LOST');
    const notes: string[] = [];
    let streamed = '';
    try {
      const result = await run({
        signal: this.signal,
        note: (line) => void notes.push(storableText(line).slice(0, 1_000)),
        emit: (text) => {
          if (this.signal.aborted) return;
          if (streamed.length < maxOutputUnits) streamed += text;
          this.emit(text);
        },
      });
      const { output, ...rest } = result;
      const kept = storableJson(output) as T;
      await this.#end({
        ...rest,
        stepId: ticket.stepId,
        status: 'SUCCEEDED',
        output: kept,
        streamedText: storableText(streamed).slice(0, maxOutputUnits) || null,
        notes,
      });
      return kept;
    } catch (error) {
      // A step cut short that is not idempotent stays open: whether it took effect is a question for a person.
      const unknowable = this.signal.aborted && !spec.idempotent;
      const lost = error instanceof Interruption && error.kind === 'LEASE_LOST';
      if (!lost && !unknowable) await this.#endFailed(ticket.stepId, notes, error);
      throw error;
    }
  }

  async #begin(spec: StepSpec): Promise<StepTicket> {
    if (this.#options.isDraining()) throw this.#stop('SHUTDOWN');
    const position = this.#nextPosition;
    this.#nextPosition += 1;
    const input = storableJson(spec.input);
    const inputHash = hashJson({ kind: spec.kind, name: spec.name, input });
    const step = {
      position,
      inputHash,
      kind: spec.kind,
      name: spec.name,
      idempotent: spec.idempotent,
      input,
    };
    return this.#options.retry(() => beginStep(this.#options.sql, this.#lease(), step), this.signal);
  }

  async #end(end: StepEnd): Promise<void> {
    // Not ended by the attempt's own signal: a finished step is worth recording even when the task is being stopped.
    const patience = AbortSignal.timeout(this.signal.aborted ? 2_000 : 60_000);
    const recorded = await this.#options.retry(
      () => endStep(this.#options.sql, this.#lease(), end),
      patience,
    );
    if (!recorded) throw this.#stop('LEASE_LOST');
  }

  async #endFailed(stepId: string, notes: string[], error: unknown): Promise<void> {
    const end: StepEnd = {
      stepId,
      status: 'FAILED',
      notes,
      failureCode: codeOf(error),
      failureMessage: storableText(messageOf(error)).slice(0, 2_000),
    };
    // A record that stays open is repeated (or decided by a person) by the next attempt, so its loss is not an error.
    await endStep(this.#options.sql, this.#lease(), end).catch(() => undefined);
  }

  /** Aborts the signal as well: a handler must be able to tell being stopped from a step that failed. */
  #stop(kind: 'LEASE_LOST' | 'SHUTDOWN'): Interruption {
    const reason = new Interruption(kind);
    this.interrupt(reason);
    return reason;
  }

  #lease() {
    return { taskId: this.task.id, leaseOwner: this.task.leaseOwner, attempt: this.task.attempt };
  }
}

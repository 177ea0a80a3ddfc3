import type { Json } from '../../lib/json.ts';
import type { ClaimedTaskRow } from '../../stores/task-rows.ts';

/** A task this node holds the lease of. */
export interface ClaimedTask extends Omit<
  ClaimedTaskRow,
  'backoffInitialMs' | 'backoffFactor' | 'backoffMaxMs'
> {
  leaseOwner: string;
}

export interface StepSpec {
  kind: 'LLM' | 'TOOL';
  /** For example `project.search` or `generate`. */
  name: string;
  /** Part of the step's identity: with its position it decides whether a finished step is replayed. */
  input: Json;
  /** Whether repeating it after a crash in the middle is harmless. If not, the task waits for a person. */
  idempotent: boolean;
}

export interface StepResult<T extends Json> {
  output: T;
  provider?: string;
  model?: string;
  inputTokens?: number;
  outputTokens?: number;
  costMicroUsd?: number;
}

export interface StepRun {
  signal: AbortSignal;
  /** Streams text to whoever watches the task; replayed in one piece when the finished step is. */
  emit(text: string): void;
  /** Adds a line to the step's record, for example `ollama: 429, waiting 2 s`. Kept when the step fails, too. */
  note(line: string): void;
}

/** What a task handler gets. Everything it does with an effect or a cost goes through `step`. */
export interface TaskContext {
  readonly task: ClaimedTask;
  /** Aborts on cancel, timeout, lost lease and shutdown; its reason is a DomainError. */
  readonly signal: AbortSignal;
  /**
   * Runs one checkpointed call. Finished before with the same position and input: returns the recorded output and runs
   * nothing. Positions are counted by call order, so a handler must call its steps in a deterministic order (never two at
   * the same time).
   * @throws what `run` throws (recorded), or LeaseLostError when this attempt may no longer write
   */
  step<T extends Json>(spec: StepSpec, run: (step: StepRun) => Promise<StepResult<T>>): Promise<T>;
  /** Streams text outside a step. Must be deterministic: a replayed attempt emits it again from offset 0. */
  emit(text: string): void;
}

/** Where a sentence comes from; `marker` is the n of `[n]` in the text. Lines count from 1, inclusive. */
export interface Citation {
  marker: number;
  path?: string;
  url?: string;
  startLine?: number;
  endLine?: number;
  quote: string;
}

export interface TaskOutcome {
  text?: string;
  /** Machine-readable result, for example a plan. */
  data?: Json;
  citations?: Citation[];
  /** True when no language model took part. */
  extractive?: boolean;
  notice?: string;
  provider?: string;
  model?: string;
}

/**
 * Does one attempt. A thrown DomainError with `retryable: false` ends the task at once as a dead letter; anything else
 * thrown is retried by the task's policy.
 */
export type TaskHandler = (context: TaskContext) => Promise<TaskOutcome | undefined>;

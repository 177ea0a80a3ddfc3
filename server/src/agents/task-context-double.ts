import type { ClaimedTask, StepSpec, TaskContext } from '../engines/task-execution/task-context.ts';
import { hashJson, type Json } from '../lib/json.ts';

export interface RecordedStep {
  spec: StepSpec;
  status: 'SUCCEEDED' | 'FAILED';
  output: Json;
  streamed: string;
  notes: string[];
  provider: string | undefined;
}

export interface TaskContextDouble {
  context: TaskContext;
  steps: RecordedStep[];
  /** Everything emitted by this attempt. */
  emitted(): string;
  /** How many step bodies ran in this attempt; finished steps are replayed and not counted. */
  ranCount(): number;
}

const defaults: ClaimedTask = {
  id: '00000000-0000-7000-8000-00000000000a',
  workspaceId: '00000000-0000-7000-8000-00000000000b',
  workflowRunId: null,
  goalId: null,
  projectId: null,
  nodeId: 'n',
  kind: 'AGENT',
  title: 'A task',
  instruction: 'Do it.',
  input: {},
  requiredCapabilities: [],
  attempt: 1,
  maxAttempts: 3,
  timeoutMs: 60_000,
  agentId: '00000000-0000-7000-8000-00000000000c',
  leaseOwner: 'test',
};

/** For tests of handlers: keeps steps as the engine does, keyed by position and input, so that an attempt can be replayed. */
export function createTaskContextDouble(
  task: Partial<ClaimedTask>,
  options: { recorded?: readonly RecordedStep[]; signal?: AbortSignal } = {},
): TaskContextDouble {
  const steps: RecordedStep[] = [];
  const signal = options.signal ?? new AbortController().signal;
  let emitted = '';
  let ran = 0;
  let open = false;
  const context: TaskContext = {
    task: { ...defaults, ...task },
    signal,
    async step<T extends Json>(spec: StepSpec, run: Parameters<TaskContext['step']>[1]) {
      if (open) throw new Error('two steps at the same time');
      const known = options.recorded?.[steps.length];
      if (known?.status === 'SUCCEEDED' && hashJson(known.spec) === hashJson(spec)) {
        emitted += known.streamed;
        steps.push(known);
        return known.output as T;
      }
      const step: RecordedStep = {
        spec,
        status: 'FAILED',
        output: null,
        streamed: '',
        notes: [],
        provider: undefined,
      };
      steps.push(step);
      ran += 1;
      open = true;
      try {
        const result = await run({
          signal,
          emit(text) {
            step.streamed += text;
            emitted += text;
          },
          note: (line) => void step.notes.push(line),
        });
        // Through JSON, as the table would keep it.
        step.output = JSON.parse(JSON.stringify(result.output)) as Json;
        step.status = 'SUCCEEDED';
        step.provider = result.provider;
        return step.output as T;
      } finally {
        open = false;
      }
    },
    emit(text) {
      emitted += text;
    },
  };
  return { context, steps, emitted: () => emitted, ranCount: () => ran };
}

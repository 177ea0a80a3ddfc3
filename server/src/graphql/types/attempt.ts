import type { AttemptStatus } from '../../entities/attempt.ts';
import type { Step } from '../../entities/step.ts';
import type { Task } from '../../entities/task.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { encodeId } from '../ids.ts';
import { AgentType } from './agent-ref.ts';
import { AttemptStatusType, StepKindType, StepStatusType } from './enums.ts';
import { FailureType, failureOf } from './parts.ts';

interface AttemptView {
  taskId: string;
  number: number;
  status: AttemptStatus;
  agentId: string | null;
  leaseOwner: string;
  failureCode: string | null;
  failureMessage: string | null;
  startedAt: Date;
  finishedAt: Date | null;
}

/** Attempts are rows, except the last of a task that runs or has succeeded: that one is the task itself. */
export async function attemptsOf(task: Task, { loaders }: Context): Promise<AttemptView[]> {
  const ended = (await loaders.endedAttemptsOfTask.load(task.id)).map((attempt) => ({
    taskId: task.id,
    number: attempt.number,
    status: attempt.status,
    agentId: attempt.agentId ?? null,
    leaseOwner: attempt.leaseOwner,
    failureCode: attempt.failureCode ?? null,
    failureMessage: attempt.failureMessage ?? null,
    startedAt: attempt.startedAt,
    finishedAt: attempt.finishedAt ?? null,
  }));
  const { status } = task;
  if (status !== 'RUNNING' && status !== 'SUCCEEDED') return ended;
  // The task was read before its attempts: what ran then may have ended since.
  if (ended.some((attempt) => attempt.number === task.attempt)) return ended;
  const last: AttemptView = {
    taskId: task.id,
    number: task.attempt,
    status,
    agentId: task.agentId ?? null,
    leaseOwner: task.leaseOwner ?? task.lastOwner ?? '',
    failureCode: null,
    failureMessage: null,
    startedAt: task.attemptStartedAt ?? task.updatedAt,
    finishedAt: task.finishedAt ?? null,
  };
  return [...ended, last];
}

export const AttemptType = builder.objectRef<AttemptView>('Attempt').implement({
  description: 'One try at a task by one agent.',
  fields: (t) => ({
    id: t.id({
      description: 'Global id; `node` does not load it.',
      resolve: (attempt) => encodeId('Attempt', `${attempt.taskId}/${attempt.number}`),
    }),
    number: t.exposeInt('number', { description: 'Counts the attempts at the task, from 1.' }),
    status: t.field({
      type: AttemptStatusType,
      description: 'How it goes, or how it ended.',
      resolve: (attempt) => attempt.status,
    }),
    agent: t.field({
      type: AgentType,
      nullable: true,
      description: 'Who worked on it; null when no agent was assigned.',
      resolve: async (attempt, _, { loaders }) =>
        attempt.agentId ? ((await loaders.agent.load(attempt.agentId)) ?? null) : null,
    }),
    leaseOwner: t.exposeString('leaseOwner', { description: 'Id of the server process that ran it.' }),
    failure: t.field({
      type: FailureType,
      nullable: true,
      description:
        'Why it ended without success; null while it runs, and after SUCCEEDED, WAITING or RELEASED.',
      resolve: (attempt) => failureOf(attempt),
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      description: 'When the task was handed to the agent.',
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it ended; null while it is RUNNING.',
      resolve: (attempt) => attempt.finishedAt,
    }),
  }),
});

export const StepType = builder.objectRef<Step>('Step').implement({
  description: 'A checkpoint inside a task: one call of a model or a tool. A finished one is never repeated.',
  fields: (t) => ({
    id: t.id({
      description: 'Global id, for `resolveStep`; `node` does not load it.',
      resolve: (step) => encodeId('Step', step.id),
    }),
    position: t.exposeInt('position', { description: 'Order inside the task, from 0.' }),
    attempt: t.exposeInt('attempt', { description: 'Number of the attempt that ran it last.' }),
    kind: t.field({
      type: StepKindType,
      description: 'Whether a model or a tool was called.',
      resolve: (step) => step.kind,
    }),
    name: t.exposeString('name', { description: 'For example `project.search` or `generate`.' }),
    status: t.field({
      type: StepStatusType,
      description: 'How the call went.',
      resolve: (step) => step.status,
    }),
    input: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'What the call was made with, long parts shortened or as hashes; a later attempt repeats no finished step with the same input and position.',
      resolve: (step) => step.input,
    }),
    output: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What the call gave; null unless it is SUCCEEDED.',
      resolve: (step) => step.output ?? null,
    }),
    failure: t.field({
      type: FailureType,
      nullable: true,
      description: 'Why the call failed; null unless it is FAILED.',
      resolve: (step) => failureOf(step),
    }),
    notes: t.exposeStringList('notes', {
      description: 'What happened on the way, for people: fallbacks, retries, open breakers of providers.',
    }),
    provider: t.string({
      nullable: true,
      description:
        'Provider that answered, for example `ollama`; null for a tool, and until it has SUCCEEDED.',
      resolve: (step) => step.provider ?? null,
    }),
    model: t.string({
      nullable: true,
      description: 'Model that answered; null for a tool, and until it has SUCCEEDED.',
      resolve: (step) => step.model ?? null,
    }),
    inputTokens: t.int({
      nullable: true,
      description: 'Tokens the model read; null for a tool, or when the provider does not say.',
      resolve: (step) => step.inputTokens ?? null,
    }),
    outputTokens: t.int({
      nullable: true,
      description: 'Tokens the model wrote; null for a tool, or when the provider does not say.',
      resolve: (step) => step.outputTokens ?? null,
    }),
    costMicroUsd: t.field({
      type: 'SafeInt',
      nullable: true,
      description:
        'Price of the call in micro-dollars, from list prices: 0 on one’s own machine, null for a tool or when price or usage is not known.',
      resolve: (step) => step.costMicroUsd ?? null,
    }),
    startedAt: t.expose('startedAt', {
      type: 'DateTime',
      description: 'When it was started, the last time.',
    }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it succeeded or failed; null while it is RUNNING.',
      resolve: (step) => step.finishedAt ?? null,
    }),
  }),
});

import type { AgentKind, AgentStatus, BreakerState } from '../../entities/agent.ts';
import type { AttemptStatus } from '../../entities/attempt.ts';
import type { GoalStatus, PlanSource } from '../../entities/goal.ts';
import type { ProjectStatus } from '../../entities/project.ts';
import type { StepKind, StepStatus } from '../../entities/step.ts';
import type { TaskStatus } from '../../entities/task.ts';
import type { WorkflowRunStatus } from '../../entities/workflow-run.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import { builder } from '../builder.ts';
import type { ProviderStatus } from '../provider-status.ts';

/** Values of an enum, each with its description; the compiler asks for one of every value. */
export function described<Value extends string>(descriptions: Record<Value, string>) {
  const values = Object.entries<string>(descriptions).map(([value, description]) => [value, { description }]);
  return Object.fromEntries(values) as Record<Value, { description: string }>;
}

export const ErrorCodeType = builder.enumType('ErrorCode', {
  description:
    'Stable codes of failures; errors outside a mutation’s result have theirs in `extensions.code`.',
  values: described<ErrorCode>({
    CONFLICT: 'It collides with something that exists; choose another value.',
    FORBIDDEN: 'The actor may not do this, for the `reason` given; asking again alone does not help.',
    IDEMPOTENCY_CONFLICT: 'The idempotency key was used before with another input; use a new key.',
    INTERNAL:
      'An unexpected error; over the API the message is only the request id under which it is logged.',
    INVALID_STATE: 'The subject is in a status that does not allow the action; read it again.',
    LIMIT_EXCEEDED: 'More than a limit allows, which the message names; ask for less, or later.',
    NOT_FOUND: 'An id names nothing in this workspace.',
    RATE_LIMITED: 'Too many requests; repeat after `retryAfterMs`.',
    TIMEOUT: 'It took longer than it may; the same request with the same idempotency key may succeed later.',
    UNAUTHENTICATED: 'Nobody is signed in, or the session, key or token is no longer valid; sign in.',
    UNAVAILABLE:
      'A part the server needs is away; the same request with the same idempotency key may succeed later.',
    VALIDATION: 'The input breaks a rule, which the message names; nothing was changed.',
  }),
});
export const GoalStatusType = builder.enumType('GoalStatus', {
  description: 'Where a goal stands. The last three are ends; a retried task sets a FAILED goal going again.',
  values: described<GoalStatus>({
    PLANNING: 'A planner is making its plan.',
    AWAITING_ACCEPTANCE: 'The plan is ready and waits for `acceptPlan`, `editPlan` or `cancelGoal`.',
    RUNNING: 'The plan runs.',
    SUCCEEDED: 'Every task of the plan succeeded.',
    FAILED: 'Planning or a task failed, and nothing more can run.',
    CANCELED: 'It was stopped, or ended with tasks canceled and none failed.',
  }),
});
export const TaskStatusType = builder.enumType('TaskStatus', {
  description: 'Where a task stands. The last three are ends; `retryTask` queues a FAILED task again.',
  values: described<TaskStatus>({
    BLOCKED: 'Tasks it depends on have not all succeeded.',
    QUEUED: 'It waits for an agent, or for the time its next attempt is due.',
    RUNNING: 'An agent works on it.',
    WAITING: 'It waits for a person’s decision and takes up no agent; `waitReason` says for which.',
    SUCCEEDED: 'It is done and has its output.',
    FAILED: 'A dead letter: its attempts are used up, or trying again could not help.',
    CANCELED: 'It was stopped, or one it depends on was.',
  }),
});
export const AttemptStatusType = builder.enumType('AttemptStatus', {
  description: 'How an attempt goes, or how it ended. Only FAILED uses up one of the task’s attempts.',
  values: described<AttemptStatus>({
    RUNNING: 'The agent works on it.',
    SUCCEEDED: 'It gave the task’s output.',
    FAILED: 'It ended with an error or ran out of time.',
    LOST: 'Its server process fell silent and the lease ran out; the task is queued again, unless that happened 20 times.',
    CANCELED: 'The task was canceled meanwhile.',
    WAITING: 'It came to a step that a person has to decide about.',
    RELEASED: 'Its server process shut down and gave the task back.',
  }),
});
export const StepStatusType = builder.enumType('StepStatus', {
  description: 'How the call of a step went.',
  values: described<StepStatus>({
    RUNNING:
      'It was started and has not ended, or its end was not recorded because the attempt was cut short.',
    SUCCEEDED: 'It ended and is recorded: no attempt repeats it.',
    FAILED: 'It ended with an error; the next attempt may run it again.',
  }),
});
export const StepKindType = builder.enumType('StepKind', {
  description: 'What a step calls.',
  values: described<StepKind>({ LLM: 'A language model.', TOOL: 'A tool, for example a search.' }),
});
export const AgentStatusType = builder.enumType('AgentStatus', {
  description: 'What an agent does. It gets tasks only while IDLE or BUSY.',
  values: described<AgentStatus>({
    OFFLINE: 'It gave no sign of life for three intervals of HIVE_AGENT_HEALTH_INTERVAL_MS.',
    IDLE: 'It runs nothing.',
    BUSY: 'It runs at least one task; it gets more up to its `maxConcurrency`.',
    PAUSED: 'A person paused it; tasks it was running may still go on.',
    ERROR: 'Its circuit breaker is open until `breaker.retryAt`.',
    RETIRED: 'A person took it out of the hive for good.',
  }),
});
export const AgentKindType = builder.enumType('AgentKind', {
  description: 'What runs an agent.',
  values: described<AgentKind>({
    LLM: 'The server, with a language model; extractively while none answers, if HIVE_LLM_PROVIDERS lists `extractive`.',
    EXTRACTIVE: 'The server, without a language model: it quotes the project.',
    ACP: 'An external coding agent, over the Agent Client Protocol. Cannot be registered yet.',
    REMOTE: 'A worker elsewhere that claims tasks over this API. Cannot be registered yet.',
  }),
});
export const BreakerStateType = builder.enumType('BreakerState', {
  description: 'What a circuit breaker lets through.',
  values: described<BreakerState>({
    CLOSED: 'Everything.',
    OPEN: 'Nothing until its time is up.',
    HALF_OPEN: 'One call or task to try; its success closes it, its failure opens it again.',
  }),
});
export const PlanSourceType = builder.enumType('PlanSource', {
  description: 'Who made a plan.',
  values: described<PlanSource>({
    MODEL: 'A language model.',
    RECIPE: 'A built-in template, because no language model was reachable or its plan was no use.',
    EDITED: 'A person, by changing a plan with `editPlan`.',
  }),
});
export const RiskType = builder.enumType('Risk', {
  description:
    'How much harm a step of a plan could do. For people: it changes nothing about how the step runs.',
  values: described<'LOW' | 'MEDIUM' | 'HIGH'>({
    LOW: 'It only reads, or is easily undone.',
    MEDIUM: 'It changes something that can be put right.',
    HIGH: 'It could do lasting harm.',
  }),
});
export const ProjectStatusType = builder.enumType('ProjectStatus', {
  description: 'Whether the index of a project is complete.',
  values: described<ProjectStatus>({
    INDEXING: 'Its folder is being read; what is indexed already can be searched.',
    READY: 'The index is what the folder was at `indexedAt`.',
    FAILED: 'The last indexing failed; what is indexed already can be searched.',
  }),
});
export const WorkflowRunStatusType = builder.enumType('WorkflowRunStatus', {
  description: 'Where a run stands. A retried task sets a run going again that had failed.',
  values: described<WorkflowRunStatus>({
    RUNNING: 'At least one of its tasks is queued, running or waiting.',
    SUCCEEDED: 'Every task succeeded.',
    FAILED: 'At least one task failed and none can go on.',
    CANCELED: 'Its goal was canceled, or tasks were and none failed.',
  }),
});
export const HealthStatusType = builder.enumType('HealthStatus', {
  description: 'How a component is.',
  values: described<'UP' | 'DEGRADED' | 'DOWN'>({
    UP: 'It works.',
    DEGRADED: 'It works with limits, which the detail or failure names.',
    DOWN: 'It does not work.',
  }),
});
export const ProviderKindType = builder.enumType('ProviderKind', {
  description: 'What kind of provider answers.',
  values: described<ProviderStatus['kind']>({
    OLLAMA: 'A local Ollama.',
    LLAMACPP: 'The server of llama.cpp.',
    OPENAI_COMPATIBLE: 'Another server that speaks OpenAI’s API, at OPENAI_BASE_URL.',
    OPENAI: 'OpenAI.',
    ANTHROPIC: 'Anthropic.',
    EXTRACTIVE: 'Built in: sentences from the sources, without a language model.',
  }),
});
export const StepDecisionType = builder.enumType('StepDecision', {
  description: 'What becomes of an interrupted step that may or may not have had its effect.',
  values: described<'REPEAT' | 'FAIL'>({
    REPEAT: 'The task is queued again and the step run again; the effect may then happen twice.',
    FAIL: 'The task becomes FAILED; the step is not repeated.',
  }),
});

import { agentKinds, agentStatuses, breakerStates } from '../../entities/agent.ts';
import { attemptStatuses } from '../../entities/attempt.ts';
import { goalStatuses, planSources } from '../../entities/goal.ts';
import { taskStatuses } from '../../entities/task.ts';
import { workflowRunStatuses } from '../../entities/workflow-run.ts';
import { errorCodes } from '../../lib/errors.ts';
import { builder } from '../builder.ts';

export const ErrorCodeType = builder.enumType('ErrorCode', {
  values: errorCodes,
  description: 'Stable codes of every expected failure.',
});
export const GoalStatusType = builder.enumType('GoalStatus', {
  values: goalStatuses,
  description:
    'PLANNING, then AWAITING_ACCEPTANCE (unless it starts by itself), RUNNING, and one of the three ends.',
});
export const TaskStatusType = builder.enumType('TaskStatus', {
  values: taskStatuses,
  description:
    'BLOCKED waits for other tasks, QUEUED for an agent, WAITING for a person or a timer. FAILED is a dead letter: retryTask replays it.',
});
export const AttemptStatusType = builder.enumType('AttemptStatus', {
  values: attemptStatuses,
  description:
    'LOST: its worker fell silent and the lease ran out. RELEASED: given back at a shutdown, not counted as a failure.',
});
export const StepStatusType = builder.enumType('StepStatus', {
  values: ['RUNNING', 'SUCCEEDED', 'FAILED'] as const,
});
export const StepKindType = builder.enumType('StepKind', { values: ['LLM', 'TOOL'] as const });
export const AgentStatusType = builder.enumType('AgentStatus', {
  values: agentStatuses,
  description: 'ERROR: its circuit breaker is open. RETIRED is final.',
});
export const AgentKindType = builder.enumType('AgentKind', {
  values: agentKinds,
  description:
    'LLM thinks with a language model; EXTRACTIVE quotes the project and needs none; ACP is an external coding agent; REMOTE claims over this API.',
});
export const BreakerStateType = builder.enumType('BreakerState', {
  values: breakerStates,
  description: 'OPEN refuses calls until its retry time; HALF_OPEN lets one through to try.',
});
export const PlanSourceType = builder.enumType('PlanSource', {
  values: planSources,
  description: 'Who made the plan.',
});
export const RiskType = builder.enumType('Risk', { values: ['LOW', 'MEDIUM', 'HIGH'] as const });
export const ProjectStatusType = builder.enumType('ProjectStatus', {
  values: ['INDEXING', 'READY', 'FAILED'] as const,
});
export const WorkflowRunStatusType = builder.enumType('WorkflowRunStatus', { values: workflowRunStatuses });
export const HealthStatusType = builder.enumType('HealthStatus', {
  values: ['UP', 'DEGRADED', 'DOWN'] as const,
});
export const ProviderKindType = builder.enumType('ProviderKind', {
  values: ['OLLAMA', 'LLAMACPP', 'OPENAI_COMPATIBLE', 'OPENAI', 'ANTHROPIC', 'EXTRACTIVE'] as const,
});
export const StepDecisionType = builder.enumType('StepDecision', {
  values: {
    REPEAT: { description: 'Run the step again.' },
    FAIL: { description: 'Let the task fail.' },
  } as const,
});

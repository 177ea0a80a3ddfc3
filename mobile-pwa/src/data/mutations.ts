import {
  pauseAgentMutation,
  resumeAgentMutation,
  retireAgentMutation,
} from '@hive/schema/operations/agents.ts';
import {
  acceptPlanMutation,
  cancelGoalMutation,
  dispatchGoalMutation,
  editPlanMutation,
} from '@hive/schema/operations/goals.ts';
import type { VariablesOf } from '@hive/schema/operations/graphql.ts';
import { registerProjectMutation, reindexProjectMutation } from '@hive/schema/operations/projects.ts';
import { cancelTaskMutation, resolveStepMutation, retryTaskMutation } from '@hive/schema/operations/tasks.ts';

/** Every mutation a person can make on the phone; all of them go through the outbox. */
export const mutationDocuments = {
  dispatchGoal: dispatchGoalMutation,
  acceptPlan: acceptPlanMutation,
  editPlan: editPlanMutation,
  cancelGoal: cancelGoalMutation,
  cancelTask: cancelTaskMutation,
  retryTask: retryTaskMutation,
  resolveStep: resolveStepMutation,
  pauseAgent: pauseAgentMutation,
  resumeAgent: resumeAgentMutation,
  retireAgent: retireAgentMutation,
  registerProject: registerProjectMutation,
  reindexProject: reindexProjectMutation,
};

export type MutationKind = keyof typeof mutationDocuments;

export type MutationInputs = {
  [K in MutationKind]: Omit<VariablesOf<(typeof mutationDocuments)[K]>['input'], 'idempotencyKey'>;
};

/** The thing an action is about; actions on one thing keep their order. */
export function entityOf<K extends MutationKind>(kind: K, input: MutationInputs[K]): string {
  const named = input as { goalId?: string; taskId?: string; agentId?: string; projectId?: string | null };
  if (kind === 'dispatchGoal') return 'goal:new';
  if (kind === 'registerProject') return 'project:new';
  return named.goalId ?? named.taskId ?? named.agentId ?? named.projectId ?? kind;
}

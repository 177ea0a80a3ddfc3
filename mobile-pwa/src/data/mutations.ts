import {
  pauseAgentMutation,
  resumeAgentMutation,
  retireAgentMutation,
} from '@hive/schema/operations/agents.ts';
import { revokeApiKeyMutation } from '@hive/schema/operations/api-keys.ts';
import {
  acceptPlanMutation,
  cancelGoalMutation,
  dispatchGoalMutation,
  editPlanMutation,
} from '@hive/schema/operations/goals.ts';
import type { VariablesOf } from '@hive/schema/operations/graphql.ts';
import {
  changeMemberMutation,
  removeMemberMutation,
  revokeInvitationMutation,
} from '@hive/schema/operations/members.ts';
import { registerProjectMutation, reindexProjectMutation } from '@hive/schema/operations/projects.ts';
import { deleteSecretMutation } from '@hive/schema/operations/secrets.ts';
import { cancelTaskMutation, resolveStepMutation, retryTaskMutation } from '@hive/schema/operations/tasks.ts';
import { updateWorkspaceMutation } from '@hive/schema/operations/workspaces.ts';

/**
 * Every mutation that can wait on the phone; all of them go through the outbox. What gives or takes a secret, or may ask
 * who is there, is sent directly (`direct.ts`).
 */
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
  changeMember: changeMemberMutation,
  removeMember: removeMemberMutation,
  revokeInvitation: revokeInvitationMutation,
  revokeApiKey: revokeApiKeyMutation,
  deleteSecret: deleteSecretMutation,
  updateWorkspace: updateWorkspaceMutation,
};

export type MutationKind = keyof typeof mutationDocuments;

export type MutationInputs = {
  [K in MutationKind]: Omit<VariablesOf<(typeof mutationDocuments)[K]>['input'], 'idempotencyKey'>;
};

const ID_FIELDS = [
  'goalId',
  'taskId',
  'agentId',
  'projectId',
  'memberId',
  'invitationId',
  'apiKeyId',
] as const;

/** The thing an action is about; actions on one thing keep their order. */
export function entityOf<K extends MutationKind>(kind: K, input: MutationInputs[K]): string {
  if (kind === 'dispatchGoal') return 'goal:new';
  if (kind === 'registerProject') return 'project:new';
  if (kind === 'updateWorkspace') return 'workspace';
  const named = input as Partial<Record<(typeof ID_FIELDS)[number] | 'name', string | null>>;
  if (kind === 'deleteSecret') return `secret:${named.name ?? ''}`;
  return ID_FIELDS.map((field) => named[field]).find((id) => typeof id === 'string') ?? kind;
}

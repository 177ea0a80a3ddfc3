import type { AuditManager } from '../managers/audit-manager.ts';
import type { SecretsManager } from '../managers/secrets-manager.ts';
import type { SecurityManager } from '../managers/security-manager.ts';

/** What the API calls of the managers of people, keys, secrets and the audit trail. */
export type SecurityManagerApi = Pick<
  SecurityManager,
  | 'apiKeys'
  | 'changeMember'
  | 'countApiKeys'
  | 'countMembers'
  | 'createApiKey'
  | 'createWorkspace'
  | 'erasePerson'
  | 'findPeople'
  | 'invitations'
  | 'inviteMember'
  | 'leaveWorkspace'
  | 'members'
  | 'removeMember'
  | 'revokeApiKey'
  | 'revokeInvitation'
  | 'rotateApiKey'
  | 'updateWorkspace'
  | 'workspace'
  | 'workspacesOf'
>;
export type AuditManagerApi = Pick<AuditManager, 'page' | 'state'>;
export type SecretsManagerApi = Pick<
  SecretsManager,
  'deleteSecret' | 'listSecrets' | 'rotateSecrets' | 'setSecret'
>;

import { asRecord } from './viewer.ts';

/** Actions as a person would say them. What is not listed here is shown by its own name. */
const WORDS: Readonly<Record<string, string>> = {
  // What the table of rules lists.
  'workspace.create': 'Create a workspace',
  'workspace.update': 'Change the workspace',
  'goal.dispatch': 'Dispatch a goal',
  'goal.steer': 'Steer a goal',
  'task.create': 'Create a task',
  'task.steer': 'Steer a task',
  'decision.make': 'Decide for a task',
  'agent.operate': 'Pause or resume an agent',
  'agent.manage': 'Add or change an agent',
  'agent.retire': 'Retire an agent',
  'project.register': 'Add a folder',
  'project.reindex': 'Index a folder again',
  'member.invite': 'Invite a member, or revoke that',
  'member.change': 'Change a member',
  'member.remove': 'Remove a member',
  'member.leave': 'Leave the workspace',
  'key.create': 'Make an API key',
  'key.change': 'Rotate or revoke an API key',
  'session.revoke': 'Sign a device out',
  'device.pair': 'Pair a device',
  'audit.export': 'Export the audit trail',
  'secret.write': 'Set or delete a secret',
  'secret.rotate': 'Encrypt secrets anew',
  'person.export': 'Export personal data',
  'person.erase': 'Erase a person',
  // What happens at the door, and by itself.
  'sign_in.succeeded': 'Sign in',
  'sign_in.failed': 'Sign in',
  'sign_in.throttled': 'Sign in, too often',
  sign_out: 'Sign out',
  'session.revoked': 'Sign a device out',
  'step_up.succeeded': 'Confirm who it is',
  'step_up.failed': 'Confirm who it is',
  'device.pairing_started': 'Show a pairing code',
  'device.paired': 'Pair a device',
  'password.changed': 'Change the password',
  'passkey.added': 'Add a passkey',
  'passkey.removed': 'Remove a passkey',
  'two_factor.enabled': 'Turn one-time codes on',
  'two_factor.disabled': 'Turn one-time codes off',
  'account.linked': 'Link an account',
  'account.unlinked': 'Unlink an account',
  'recovery.codes_replaced': 'Replace recovery codes',
  'recovery.used': 'Use a recovery code',
  'setup.link_created': 'Make a setup link',
  'setup.completed': 'Set the hive up',
  'owner.reset': 'Reset the owner',
  'invitation.accepted': 'Accept an invitation',
  'member.joined': 'Join the workspace',
  'key.used': 'Use an API key',
  'service_token.issued': 'Exchange a key for a token',
  'service_token.refused': 'Exchange a key for a token',
  'config.change': 'Start with other settings',
  'audit.retain': 'Drop old audit entries',
  'audit.repeated': 'Count repeated attempts',
};

/** One action of the table covers more than one thing a person does; the trail names the operation as well. */
const OPERATIONS: Readonly<Record<string, string>> = {
  inviteMember: 'Invite a member',
  revokeInvitation: 'Revoke an invitation',
  rotateApiKey: 'Rotate an API key',
  revokeApiKey: 'Revoke an API key',
  setSecret: 'Set a secret',
  deleteSecret: 'Delete a secret',
  registerAgent: 'Add an agent',
  updateAgent: 'Change an agent',
  pauseAgent: 'Pause an agent',
  resumeAgent: 'Resume an agent',
  acceptPlan: 'Accept a plan',
  editPlan: 'Edit a plan',
  cancelGoal: 'Cancel a goal',
  cancelTask: 'Cancel a task',
  retryTask: 'Retry a task',
};

/** @param detail what was recorded with it, of whatever shape; absent where an action stands for all it covers */
export function describeAuditAction(action: string, detail?: unknown): string {
  const operation = asRecord(detail)?.['operation'];
  const words =
    typeof operation === 'string' && Object.hasOwn(OPERATIONS, operation) ? OPERATIONS[operation] : undefined;
  return words ?? WORDS[action] ?? action;
}

const NOBODY: Readonly<Record<string, string>> = {
  LOCAL: 'Somebody at the machine',
  SYSTEM: 'The hive',
  ANONYMOUS: 'Somebody unknown',
};

/** Who it was, in words. */
export function describeActor(entry: {
  actorKind: string;
  actor: { name: string } | null;
  actorLabel: string;
}): string {
  const { actorKind, actor, actorLabel } = entry;
  if (actorKind === 'API_KEY' || actorKind === 'SERVICE') return `Key ${actorLabel || 'unknown'}`;
  return actor?.name || NOBODY[actorKind] || actorLabel || 'Somebody unknown';
}

/** Actions as a person would say them. What is not listed here is shown by its own name. */
const WORDS: Readonly<Record<string, string>> = {
  'workspace.create': 'Create a workspace',
  'workspace.update': 'Rename the workspace',
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
  'member.invite': 'Invite a member',
  'member.join': 'Join the workspace',
  'member.change': 'Change a member',
  'member.remove': 'Remove a member',
  'member.leave': 'Leave the workspace',
  'invitation.accept': 'Accept an invitation',
  'invitation.revoke': 'Revoke an invitation',
  'key.create': 'Make an API key',
  'key.change': 'Change an API key',
  'key.rotate': 'Rotate an API key',
  'key.revoke': 'Revoke an API key',
  'key.use': 'Use an API key',
  'session.revoke': 'Sign a device out',
  'device.pair': 'Pair a device',
  'audit.read': 'Read the audit trail',
  'audit.export': 'Export the audit trail',
  'audit.retain': 'Drop old audit entries',
  'secret.read': 'List secrets',
  'secret.write': 'Set or delete a secret',
  'secret.rotate': 'Encrypt secrets anew',
  'person.export': 'Export personal data',
  'person.erase': 'Erase a person',
};

export function describeAuditAction(action: string): string {
  return WORDS[action] ?? action;
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

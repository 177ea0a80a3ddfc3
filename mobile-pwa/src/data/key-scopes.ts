/** What a program can be allowed to do, by what it is about. Tested against the server's table of rules. */
export const KEY_ACTIONS = [
  {
    title: 'Goals and tasks',
    actions: {
      'goal.read': 'Read goals and plans',
      'goal.dispatch': 'Dispatch goals',
      'goal.steer': 'Accept, edit and cancel goals',
      'task.read': 'Read tasks and what they wrote',
      'task.create': 'Create tasks',
      'task.steer': 'Cancel and retry tasks',
      'decision.make': 'Decide what waits for a person',
      'event.read': 'Follow the event log',
      'memory.read': 'Read what the hive remembers',
    },
  },
  {
    title: 'Agents and projects',
    actions: {
      'agent.read': 'Read agents',
      'agent.readInstructions': 'Read agents’ instructions',
      'agent.operate': 'Pause and resume agents',
      'agent.manage': 'Add and change agents',
      'agent.retire': 'Retire agents',
      'project.read': 'Read projects',
      'project.readPath': 'Read where projects lie on the machine',
      'project.register': 'Add folders',
      'project.reindex': 'Index folders again',
    },
  },
  {
    title: 'The hive',
    actions: {
      'health.read': 'Read the state of the server',
      'metrics.read': 'Read metrics',
      'workspace.read': 'Read the workspace',
      'member.read': 'Read who is a member',
      'member.readContact': 'Read members’ addresses',
      'key.read': 'Read which keys there are',
      'audit.read': 'Read the audit trail',
    },
  },
] as const;

export interface ScopePreset {
  value: 'read' | 'work' | 'all' | 'picked';
  label: string;
  text: string;
  scopes: readonly string[];
}

export const SCOPE_PRESETS: readonly ScopePreset[] = [
  { value: 'read', label: 'Read only', text: 'Sees what its role may see.', scopes: ['*.read'] },
  {
    value: 'work',
    label: 'Create and follow tasks',
    text: 'Reads, dispatches goals, creates tasks, cancels and retries them.',
    scopes: ['*.read', 'goal.dispatch', 'goal.steer', 'task.create', 'task.steer'],
  },
  {
    value: 'all',
    label: 'Everything its role may',
    text: 'Except what only people may: members, keys, secrets.',
    scopes: ['*'],
  },
  { value: 'picked', label: 'Picked actions', text: 'Exactly what you choose.', scopes: [] },
];

/** Scopes as a person would say them: the preset they are, or how many actions were picked. */
export function describeScopes(scopes: readonly string[] | null): string {
  if (scopes === null) return 'Everything its role may';
  const key = scopes.toSorted().join(' ');
  const preset = SCOPE_PRESETS.find((each) => each.scopes.toSorted().join(' ') === key);
  if (preset && preset.scopes.length > 0) return preset.label;
  return scopes.length === 1 ? describeAction(scopes[0]!) : `${scopes.length} picked actions`;
}

/** What an action or a pattern of actions means; itself when it has no name here. */
export function describeAction(scope: string): string {
  for (const { actions } of KEY_ACTIONS) {
    const text = (actions as Readonly<Record<string, string>>)[scope];
    if (text) return text;
  }
  return scope;
}

/** A secret is in the first answer only; a repeat of the same call does not get it. */
export const SHOWN_BEFORE =
  'The key was made, but its secret was shown before. Revoke it and make another one.';

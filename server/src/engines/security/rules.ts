import type { Resource, Role } from './actor.ts';

export interface Rule {
  /** The least role that may. */
  least: Role;
  /** Whether a role in the project counts instead of the one in the workspace. */
  inProject?: true;
  /** Whoever the resource belongs to may, whatever the role. */
  own?: true;
  /** Members of one's own rank or above are out of reach, and so are roles above one's own. Owners reach everybody. */
  ranked?: true;
  /** Asks for a passkey or a one-time password used a short while ago: always, or when the resource is so. */
  stepUp?: true | ((resource: Resource) => boolean);
  /** Not for programs: a key must not make keys, nor a token members. */
  peopleOnly?: true;
}

/** Who may do what. The one table; `decide` reads it and adds nothing of its own. */
export const rules = {
  'health.read': { least: 'VIEWER' },
  'metrics.read': { least: 'ADMIN' },
  'workspace.read': { least: 'VIEWER' },
  'workspace.create': { least: 'OWNER', peopleOnly: true },
  'workspace.update': { least: 'ADMIN', peopleOnly: true },

  'goal.read': { least: 'VIEWER', inProject: true },
  'goal.dispatch': { least: 'OPERATOR', inProject: true },
  'goal.steer': { least: 'OPERATOR', inProject: true },
  'task.read': { least: 'VIEWER', inProject: true },
  'task.create': { least: 'OPERATOR', inProject: true },
  'task.steer': { least: 'OPERATOR', inProject: true },
  'decision.make': { least: 'OPERATOR', inProject: true, stepUp: (resource) => resource.risk === 'HIGH' },
  'event.read': { least: 'VIEWER', inProject: true },
  'memory.read': { least: 'VIEWER', inProject: true },

  'agent.read': { least: 'VIEWER' },
  // Instructions may hold what only those who run the hive should know.
  'agent.readInstructions': { least: 'OPERATOR' },
  'agent.operate': { least: 'OPERATOR' },
  'agent.manage': { least: 'ADMIN' },
  'agent.retire': { least: 'ADMIN', stepUp: (resource) => resource.hasWorkInHand === true },

  'project.read': { least: 'VIEWER', inProject: true },
  // Where a project lies tells about the machine.
  'project.readPath': { least: 'OPERATOR', inProject: true },
  'project.register': { least: 'ADMIN' },
  'project.reindex': { least: 'OPERATOR', inProject: true },

  'member.read': { least: 'VIEWER' },
  'member.readContact': { least: 'ADMIN', own: true },
  'member.invite': { least: 'ADMIN', ranked: true, peopleOnly: true, stepUp: movesOwner },
  'member.change': { least: 'ADMIN', ranked: true, peopleOnly: true, stepUp: movesOwner },
  'member.remove': { least: 'ADMIN', ranked: true, peopleOnly: true, stepUp: movesOwner },
  'member.leave': { least: 'VIEWER', peopleOnly: true, stepUp: movesOwner },
  'invitation.read': { least: 'ADMIN', peopleOnly: true },

  'key.read': { least: 'ADMIN', own: true },
  'key.create': { least: 'OPERATOR', ranked: true, peopleOnly: true },
  // Ranked, because whoever rotates a key gets to see its new secret.
  'key.change': { least: 'ADMIN', own: true, ranked: true, peopleOnly: true },
  'session.read': { least: 'VIEWER', peopleOnly: true },
  'session.revoke': { least: 'VIEWER', peopleOnly: true },
  'device.pair': { least: 'VIEWER', peopleOnly: true },

  'audit.read': { least: 'ADMIN' },
  'audit.export': { least: 'OWNER', peopleOnly: true, stepUp: true },
  'secret.read': { least: 'ADMIN', peopleOnly: true },
  'secret.write': { least: 'ADMIN', peopleOnly: true },
  'secret.rotate': { least: 'OWNER', peopleOnly: true, stepUp: true },
  'person.export': { least: 'OWNER', own: true, peopleOnly: true, stepUp: true },
  'person.erase': { least: 'OWNER', own: true, peopleOnly: true, stepUp: true },
} as const satisfies Readonly<Record<string, Rule>>;

export type Action = keyof typeof rules;
export const actions = Object.keys(rules) as Action[];

/** Ends or makes an owner: what a stolen session would do first. */
function movesOwner({ memberRole, grantedRole }: Resource): boolean {
  return memberRole === 'OWNER' || grantedRole === 'OWNER';
}

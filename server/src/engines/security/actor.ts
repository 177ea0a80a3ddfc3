/** From most to least; each role can do what those behind it can. */
export const roles = ['OWNER', 'ADMIN', 'OPERATOR', 'VIEWER'] as const;
export type Role = (typeof roles)[number];

/**
 * USER: a person with a session. API_KEY: a program with a key. SERVICE: a program with a token that a key was exchanged for.
 * LOCAL: whoever is at the machine itself, while the hive has no owner yet.
 */
export const actorKinds = ['USER', 'API_KEY', 'SERVICE', 'LOCAL'] as const;
export type ActorKind = (typeof actorKinds)[number];

/** Who asks, where, and what is known of them. Built anew for each request; plain data, so that `decide` stays pure. */
export interface Actor {
  kind: ActorKind;
  /** Of the user, or of the key. 'local' for LOCAL. */
  id: string;
  /** The person behind it: the user, or who made the key. Undefined for LOCAL. */
  userId?: string;
  workspaceId: string;
  /** In the whole workspace, or, when `projects` is a map, only where that says nothing more. */
  role: Role;
  /** 'ALL', or the role in each project that was granted: then everything in other projects is out of sight. */
  projects: 'ALL' | ReadonlyMap<string, Role>;
  /** Roles granted in single projects on top of the workspace's. */
  grants?: ReadonlyMap<string, Role>;
  /** Of a key: actions it may take, each exact, a prefix like `task.*`, `*.read`, or `*`. Absent: whatever the role may. */
  scopes?: readonly string[];
  /** When a passkey or a one-time password was last used in this session, ms since 1970. */
  steppedUpAt?: number;
  /** Now, ms since 1970. */
  at: number;
}

/** What an action is about. */
export interface Resource {
  workspaceId: string;
  /** Undefined: somewhere in the workspace, for lists. Null: in no project. */
  projectId?: string | null;
  /** The user it belongs to: one's own sessions and keys are one's own business. */
  ownerId?: string;
  /** The role of the member it is about. */
  memberRole?: Role;
  /** The role it would give. */
  grantedRole?: Role;
  /** An agent that runs tasks at this moment. */
  hasWorkInHand?: boolean;
  /** Of a decision somebody waits for. */
  risk?: 'LOW' | 'MEDIUM' | 'HIGH';
}

export function isAtLeast(role: Role, least: Role): boolean {
  return roles.indexOf(role) <= roles.indexOf(least);
}

export function higherRole(left: Role | undefined, right: Role | undefined): Role | undefined {
  if (left === undefined || right === undefined) return left ?? right;
  return isAtLeast(left, right) ? left : right;
}

export function lowerRole(left: Role, right: Role): Role {
  return isAtLeast(left, right) ? right : left;
}

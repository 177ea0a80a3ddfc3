import { higherRole, lowerRole, type Actor, type Role } from './actor.ts';

/** What a member may, as it is stored. */
export interface MemberReach {
  role: Role;
  projectAccess: 'ALL' | 'GRANTED';
  grants: readonly { projectId: string; role: Role }[];
}

export interface KeyReach {
  role: Role;
  /** Null: whatever the role may. */
  scopes: readonly string[] | null;
  /** Null: wherever its maker may. */
  projectIds: readonly string[] | null;
}

/** How far an actor reaches, the part of it that rows decide. */
export type Reach = Pick<Actor, 'role' | 'projects' | 'grants' | 'scopes'>;

export function reachOfMember({ role, projectAccess, grants }: MemberReach): Reach {
  const granted = new Map(grants.map((grant) => [grant.projectId, grant.role]));
  if (projectAccess === 'GRANTED') return { role, projects: granted };
  return granted.size > 0 ? { role, projects: 'ALL', grants: granted } : { role, projects: 'ALL' };
}

/** A key reaches no further than its own row says, and never further than whoever made it does now. */
export function reachOfKey(key: KeyReach, maker: MemberReach): Reach {
  const own = reachOfMember(maker);
  const role = lowerRole(key.role, own.role);
  const lowered = (roles: ReadonlyMap<string, Role> | undefined) =>
    new Map([...(roles ?? [])].map(([projectId, granted]) => [projectId, lowerRole(key.role, granted)]));
  const scopes = key.scopes === null ? {} : { scopes: key.scopes };
  if (key.projectIds === null) {
    if (own.projects !== 'ALL') return { role, projects: lowered(own.projects), ...scopes };
    return { role, projects: 'ALL', ...(own.grants ? { grants: lowered(own.grants) } : {}), ...scopes };
  }
  const reached = key.projectIds.flatMap((projectId): [string, Role][] => {
    const makers =
      own.projects === 'ALL' ? higherRole(own.role, own.grants?.get(projectId)) : own.projects.get(projectId);
    return makers === undefined ? [] : [[projectId, lowerRole(key.role, makers)]];
  });
  return { role, projects: new Map(reached), ...scopes };
}

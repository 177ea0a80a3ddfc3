import type { Actor, Role } from '../../server/src/engines/security/actor.ts';
import type { Authenticator, Principal } from '../../server/src/engines/security/principal.ts';

export interface Cast {
  authenticator: Authenticator;
  /** Whoever is at the machine, which is how a test without credentials acts. */
  local: Principal;
  /** From now on `authorization: Bearer as <name>` acts so; a name that was there gets other rights, as after a change. */
  add(name: string, actor: Partial<Actor> & { role: Role }): Principal;
  remove(name: string): void;
}

/**
 * Stands in for sessions, keys and members where a test is about what an actor may do and not about how it is recognised. A
 * request straight from this machine without credentials acts as LOCAL; one with other credentials is nobody.
 */
export function createCast(workspaceId: string): Cast {
  const principals = new Map<string, Principal>();
  let changes = 0;
  const local: Principal = {
    actor: { kind: 'LOCAL', id: 'local', workspaceId, role: 'OWNER', projects: 'ALL', at: Date.now() },
    credential: { type: 'LOCAL' },
    stamp: 'local',
  };
  return {
    local,
    authenticator: {
      async authenticate(presented) {
        if (presented.authorization === undefined) return presented.isLocal ? local : undefined;
        return principals.get(/^Bearer as (\w+)$/.exec(presented.authorization)?.[1] ?? '');
      },
      async stillValid(asked) {
        const present = new Set([local, ...principals.values()].map(({ stamp }) => stamp));
        return asked.map(({ stamp }) => present.has(stamp));
      },
      hasOwner: async () => principals.size > 0,
    },
    add(name, actor) {
      const id = actor.id ?? crypto.randomUUID();
      const isKey = actor.kind === 'API_KEY';
      const principal: Principal = {
        actor: {
          ...{ kind: 'USER', id, workspaceId, projects: 'ALL', at: Date.now() },
          ...(isKey ? {} : { userId: id }),
          ...actor,
        },
        credential: isKey
          ? { type: 'API_KEY', id, expiresAt: undefined }
          : { type: 'SESSION', id: crypto.randomUUID(), userId: id, expiresAt: Date.now() + 3_600_000 },
        stamp: `${name} ${(changes += 1)}`,
      };
      principals.set(name, principal);
      return principal;
    },
    remove: (name) => void principals.delete(name),
  };
}

/** Headers that act as somebody of the cast. */
export function as(name: string): { authorization: string } {
  return { authorization: `Bearer as ${name}` };
}

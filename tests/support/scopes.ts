import type { Actor } from '../../server/src/engines/security/actor.ts';
import type { Scope } from '../../server/src/managers/transaction.ts';

/** Whoever is at the machine of a hive without an owner: may do everything in the first workspace. */
export function localActor(workspaceId: string): Actor {
  return { kind: 'LOCAL', id: 'local', workspaceId, role: 'OWNER', projects: 'ALL', at: Date.now() };
}

/** What a manager's method takes, of that actor or of one that differs from it as given. */
export function scopeOf(workspaceId: string, actor: Partial<Actor> = {}): Scope {
  return { workspaceId, actor: { ...localActor(workspaceId), ...actor } };
}

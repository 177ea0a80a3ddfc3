import { hashApiKey, parseApiKey } from '../engines/security/api-key.ts';
import { findKeyBySecret } from '../stores/access-reads.ts';
import { acceptInvitation, findOpenInvitation } from '../stores/invitation-store.ts';
import { hasOwner, isMember, listOwners, makeOwner } from '../stores/member-store.ts';
import type { Sql } from '../stores/sql.ts';
import type { MembershipPorts } from './identity-options.ts';

export interface MembershipPortsDeps {
  systemSql: Sql;
  /** Runs work in one transaction of the role hive_system. */
  inSystemTransaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  homeWorkspaceId: string;
  /** Called after the commit of a change that wrote events. */
  onChanged(): void;
}

/** What the identity service asks and changes about members of workspaces, which it knows nothing of. */
export function createMembershipPorts(deps: MembershipPortsDeps): MembershipPorts {
  const { systemSql: sql, inSystemTransaction, homeWorkspaceId: workspaceId } = deps;
  return {
    async addOwner(userId) {
      await inSystemTransaction((transaction) => makeOwner(transaction, { workspaceId, userId }));
      deps.onChanged();
    },
    hasOwner: () => hasOwner(sql),
    listOwners: () => listOwners(sql),
    findInvitation: (tokenHash) => findOpenInvitation(sql, tokenHash),
    async acceptInvitation(tokenHash, userId) {
      const { outcome } = await inSystemTransaction((transaction) =>
        acceptInvitation(transaction, tokenHash, userId),
      );
      if (outcome === 'JOINED') deps.onChanged();
      return outcome;
    },
    isMember: (userId) => isMember(sql, userId),
    async verifyApiKey(text) {
      const secret = parseApiKey(text);
      const key = secret === undefined ? undefined : await findKeyBySecret(sql, hashApiKey(secret));
      return key && { keyId: key.id };
    },
  };
}

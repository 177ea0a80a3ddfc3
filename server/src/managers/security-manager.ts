import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import type { Json } from '../lib/json.ts';
import type { Sql } from '../stores/sql.ts';
import { createApiKeys } from './api-keys.ts';
import type { OnDenied } from './authorise.ts';
import { createInvitations } from './invitations.ts';
import { createMembers } from './members.ts';
import { createPeople } from './people.ts';
import type { Scope } from './transaction.ts';
import { createWorkspaces } from './workspaces.ts';

/** Of somebody with an account, as the identity service knows them. */
export interface KnownPerson {
  id: string;
  name: string;
  email: string;
  erased: boolean;
}

/** What the manager asks of the identity service. */
export interface PeopleSource {
  findPeople(ids: readonly string[]): Promise<readonly KnownPerson[]>;
  /** Everything it has about somebody, without anything secret. */
  exportPerson(userId: string): Promise<Json>;
  /**
   * Leaves a pseudonym and no way to sign in. Repeating it changes nothing.
   * @param sql the transaction in which the memberships end
   */
  erasePerson(userId: string, sql: Sql): Promise<unknown>;
}

export interface SecurityManagerDeps {
  orm: Pick<MikroORM, 'em'>;
  /** Of the role hive_system, for what concerns people and workspaces as such. */
  systemPool: Pool;
  identity: PeopleSource;
  homeWorkspaceId: string;
  /** Whether a folder is set aside for the workspace of this short name. */
  hasFolder(slug: string): boolean;
  /** Where people reach the hive, for links: scheme and host, without a slash at the end. */
  baseUrl(scope: Scope): string;
  onDenied: OnDenied;
  /** Called after the commit of a change that wrote events. */
  onChanged(): void;
  /** Prepares a new workspace. Called again when creating it is repeated, so that what was missed is made up for. */
  onWorkspaceCreated(workspaceId: string): Promise<void> | void;
}

export type SecurityManager = ReturnType<typeof createSecurityManager>;

/** Owns workspaces, members, invitations, keys and what is known of people. */
export function createSecurityManager(deps: SecurityManagerDeps) {
  return {
    ...createWorkspaces(deps),
    ...createMembers(deps),
    ...createInvitations(deps),
    ...createApiKeys(deps),
    ...createPeople(deps),
  };
}

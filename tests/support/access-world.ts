import { randomUUID } from 'node:crypto';
import { reachOfMember } from '../../server/src/engines/security/reach.ts';
import {
  dropCredentials,
  findPeople,
  insertPerson,
  pseudonymise,
  readPerson,
} from '../../server/src/identity/people-store.ts';
import { NotFoundError } from '../../server/src/lib/errors.ts';
import { createSecurityManager, type SecurityManager } from '../../server/src/managers/security-manager.ts';
import type { Scope } from '../../server/src/managers/transaction.ts';
import { findMembership } from '../../server/src/stores/access-reads.ts';
import { addMember, type MemberAccess } from '../../server/src/stores/member-store.ts';
import { sqlOfPool, type Sql } from '../../server/src/stores/sql.ts';
import { insertWorkspace } from '../../server/src/stores/workspace-store.ts';
import { createTestDatabase, type TestDatabase } from './database.ts';

export interface AccessWorld {
  database: TestDatabase;
  manager: SecurityManager;
  /** Of the role hive_system. */
  systemSql: Sql;
  /** The first workspace. */
  home: string;
  denied: { action: string; reason: string; workspaceId: string }[];
  prepared: string[];
  changes(): number;
  /** Another workspace, without members. */
  workspace(slug: string): Promise<string>;
  project(workspaceId: string, name: string): Promise<string>;
  /** Somebody with an account and, unless told otherwise, a membership in the first workspace. @returns their id */
  person(name: string, access?: Partial<MemberAccess> & { workspaceId?: string }): Promise<string>;
  join(workspaceId: string, userId: string, access?: Partial<MemberAccess>): Promise<void>;
  /** How a member acts at this moment, stepped up unless told otherwise. */
  scope(userId: string, workspaceId?: string, options?: { steppedUp?: boolean }): Promise<Scope>;
  audit(workspaceId: string): Promise<AuditRow[]>;
  events(workspaceId: string): Promise<{ type: string; subject_id: string; payload: object }[]>;
}

export interface AuditRow {
  actor_kind: string;
  actor_id: string | null;
  action: string;
  outcome: string;
  subject_type: string | null;
  subject_id: string | null;
  detail: { operation?: string; detail?: unknown; input?: unknown };
}

/** A security manager on a database of its own with accounts as the identity service keeps them. */
export async function createAccessWorld(): Promise<AccessWorld> {
  const database = await createTestDatabase();
  const { pool, systemPool, workspaceId: home } = database;
  const systemSql = sqlOfPool(systemPool);
  const denied: AccessWorld['denied'] = [];
  const prepared: string[] = [];
  let changes = 0;
  const manager = createSecurityManager({
    orm: database.orm,
    systemPool,
    homeWorkspaceId: home,
    identity: {
      findPeople: (ids) => findPeople(systemSql, ids),
      exportPerson: (id) => readPerson(systemSql, id),
      async erasePerson(id, sql) {
        await dropCredentials(sql, id);
        if (!(await pseudonymise(sql, id))) throw new NotFoundError('Person', id);
      },
    },
    baseUrl: () => 'https://hive.example',
    onDenied: ({ workspaceId }, action, _resource, reason) =>
      void denied.push({ action, reason, workspaceId }),
    onChanged: () => void (changes += 1),
    hasFolder: (slug) => slug === 'kept',
    onWorkspaceCreated: (id) => void prepared.push(id),
  });

  const join: AccessWorld['join'] = async (workspaceId, userId, access = {}) => {
    await addMember(systemSql, {
      ...{ workspaceId, userId, role: 'VIEWER', projectAccess: 'ALL', grants: [], ...access },
    });
  };
  return {
    ...{ database, manager, systemSql, home, denied, prepared, join },
    changes: () => changes,
    workspace: async (slug) => (await insertWorkspace(systemSql, { slug, name: `Workspace ${slug}` }))!,
    async project(workspaceId, name) {
      const { rows } = await pool.query<{ id: string }>(
        `insert into project (workspace_id, name, root_path) values ($1, $2, $3) returning id`,
        [workspaceId, name, `/${name}`],
      );
      return rows[0]!.id;
    },
    async person(name, { workspaceId = home, ...access } = {}) {
      const email = `${name.toLowerCase().replaceAll(' ', '.')}.${randomUUID().slice(0, 8)}@hive.example`;
      const person = await insertPerson(systemSql, { name, email });
      if (access.role) await join(workspaceId, person!.id, access);
      return person!.id;
    },
    async scope(userId, workspaceId = home, { steppedUp = true } = {}) {
      const member = await findMembership(systemSql, userId, workspaceId);
      if (!member) throw new Error(`${userId} is no member of ${workspaceId}`);
      const at = Date.now();
      const reach = reachOfMember(member);
      const projectIds = reach.projects === 'ALL' ? undefined : [...reach.projects.keys()];
      return {
        workspaceId,
        projectIds,
        actor: {
          ...{ kind: 'USER', id: userId, userId, workspaceId, at, ...reach },
          ...(steppedUp ? { steppedUpAt: at } : {}),
        },
        request: { id: 'request-1', address: '203.0.113.9', userAgent: 'Test' },
      };
    },
    async audit(workspaceId) {
      const { rows } = await pool.query<AuditRow>(
        `select actor_kind, actor_id, action, outcome, subject_type, subject_id, detail from audit_entry
        where workspace_id = $1 order by xid, seq`,
        [workspaceId],
      );
      return rows;
    },
    async events(workspaceId) {
      const { rows } = await pool.query<{ type: string; subject_id: string; payload: object }>(
        `select type, subject_id, payload from event where workspace_id = $1 order by xid, seq`,
        [workspaceId],
      );
      return rows;
    },
  };
}

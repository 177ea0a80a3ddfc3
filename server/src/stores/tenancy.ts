import type { EntityManager } from '@mikro-orm/postgresql';
import pg, { type Pool, type QueryResult } from 'pg';
import { ScopedQuery, type ScopeSettings } from './scoped-query.ts';
import { labelOf, wordArray, type Sql } from './sql.ts';

/** Whose rows a statement sees and may write. The database holds it to that, whatever the statement says. */
export interface Tenancy {
  workspaceId: string;
  /** Only what belongs to these projects; absent: everything in the workspace. */
  projectIds?: readonly string[] | undefined;
}

/** Statements of the workspace a task belongs to, for whoever works on tasks of all of them. */
export type SqlOfWorkspace = (workspaceId: string) => Sql;

const tenancies = new WeakMap<EntityManager, Tenancy>();

function settingsOf({ workspaceId, projectIds }: Tenancy): ScopeSettings {
  return projectIds ? [workspaceId, wordArray(projectIds)] : [workspaceId];
}

/** Statements that make the transaction which has just begun that of a tenant. */
export function scopeStatements({ workspaceId, projectIds }: Tenancy): string {
  const workspace = `set local hive.workspace_id = ${pg.escapeLiteral(workspaceId)}`;
  if (!projectIds) return workspace;
  const projects = pg.escapeLiteral(wordArray(projectIds));
  return `${workspace}; set local hive.project_ids = ${projects}; set local role hive_limited`;
}

/**
 * Labelled statements of one tenant, each a transaction of its own and one round trip. A statement without any filter
 * gives the tenant's rows only.
 * @param pool of the role `hive_tenant`
 */
export function sqlOfTenant(pool: Pool, tenancy: Tenancy): Sql {
  const settings = settingsOf(tenancy);
  return {
    async rows<Row>(text: string, values: readonly unknown[] = []) {
      const name = labelOf(text);
      const query = new ScopedQuery(settings, { ...(name ? { name } : {}), text, values });
      return (await run<Row>(pool, query)).rows;
    },
  };
}

/** A fresh entity manager whose reads are those of the tenant; one that is forked otherwise sees no row at all. */
export function forkForTenant(orm: { em: { fork(): unknown } }, tenancy: Tenancy): EntityManager {
  const em = orm.em.fork() as EntityManager;
  tenancies.set(em, tenancy);
  return em;
}

/** Statements with the rights of the entity manager's tenant. */
export function sqlOf(em: EntityManager): Sql {
  return {
    rows: async <Row>(text: string, values?: readonly unknown[]) =>
      sqlOfTenant(await poolOf(em), tenancyOf(em)).rows<Row>(text, values),
  };
}

/** One statement with the rights of the entity manager's tenant, its rows as arrays. */
export async function valuesOf(
  em: EntityManager,
  statement: { name: string; text: string; values: readonly unknown[] },
): Promise<unknown[][]> {
  const query = new ScopedQuery(settingsOf(tenancyOf(em)), { ...statement, rowMode: 'array' });
  return (await run<unknown[]>(await poolOf(em), query)).rows;
}

function tenancyOf(em: EntityManager): Tenancy {
  return tenancies.get(em) ?? { workspaceId: '' };
}

async function poolOf(em: EntityManager): Promise<Pool> {
  return (await em.getConnection().getNativeClient()) as Pool;
}

/** A pool gives a promise for any query, which its types say of texts and configurations only. */
function run<Row>(pool: Pool, query: ScopedQuery): Promise<{ rows: Row[] }> {
  return (pool as unknown as { query(query: ScopedQuery): Promise<QueryResult & { rows: Row[] }> }).query(
    query,
  );
}

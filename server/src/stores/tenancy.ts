import type { EntityManager } from '@mikro-orm/postgresql';
import type { Pool, QueryResult } from 'pg';
import { ScopedQuery } from './scoped-query.ts';
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

/** Values of the settings `hive.workspace_id` and `hive.project_ids`; the empty text means no restriction to projects. */
export function settingsOf({ workspaceId, projectIds }: Tenancy): [string, string] {
  return [workspaceId, projectIds ? wordArray(projectIds) : ''];
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

import type { Json } from '../lib/json.ts';
import type { Sql } from './sql.ts';

export type CachedPlanSource = 'MODEL' | 'RECIPE';

export interface CachedPlan {
  graph: Json;
  source: CachedPlanSource;
  recipe: string | null;
  provider: string;
}

export interface PlanCacheKey {
  workspaceId: string;
  /** Hash of everything a plan depends on except the project's content. */
  key: string;
  projectId: string | null;
}

/**
 * The plan made earlier for the same goal while the project's content is what it was then; one indexed select.
 */
export async function findCachedPlan(
  sql: Sql,
  { workspaceId, key, projectId }: PlanCacheKey,
): Promise<CachedPlan | undefined> {
  const [row] = await sql.rows<CachedPlan>(
    `/* findCachedPlan */ select c.graph, c.source, c.recipe, c.provider from plan_cache c
     where c.workspace_id = $1 and c.key = $2 and c.content_hash =
       coalesce((select p.content_hash from project p where p.workspace_id = $1 and p.id = $3), '')`,
    [workspaceId, key, projectId],
  );
  return row;
}

/** Remembers a plan for the project's content as it is now; replaces the plan for older content. */
export async function saveCachedPlan(
  sql: Sql,
  { workspaceId, key, projectId }: PlanCacheKey,
  plan: CachedPlan & { goalText: string },
): Promise<void> {
  await sql.rows(
    `/* saveCachedPlan */ insert into plan_cache (workspace_id, key, content_hash, goal_text, graph, source, recipe, provider)
     values ($1, $2, coalesce((select content_hash from project where workspace_id = $1 and id = $3), ''), $4, $5::jsonb, $6, $7, $8)
     on conflict (workspace_id, key) do update
       set content_hash = excluded.content_hash, goal_text = excluded.goal_text, graph = excluded.graph,
           source = excluded.source, recipe = excluded.recipe, provider = excluded.provider, created_at = now()`,
    [
      workspaceId,
      key,
      projectId,
      plan.goalText,
      JSON.stringify(plan.graph),
      plan.source,
      plan.recipe,
      plan.provider,
    ],
  );
}

import { z } from 'zod';
import type { TaskContext, TaskHandler } from '../engines/task-execution/task-context.ts';
import { parseGraph, type Graph } from '../engines/workflow/graph.ts';
import { DomainError, ValidationError, messageOf } from '../lib/errors.ts';
import { hashJson, type Json } from '../lib/json.ts';
import type { ModelGateway } from '../llm/model-gateway.ts';
import {
  findCachedPlan,
  saveCachedPlan,
  type CachedPlanSource,
  type PlanCacheKey,
} from '../stores/plan-cache-store.ts';
import { findProject } from '../stores/project-store.ts';
import type { SqlOfWorkspace } from '../stores/tenancy.ts';
import { planWithModel } from './model-planner.ts';
import { planByRecipe } from './recipes.ts';

export interface PlanDeps {
  models: ModelGateway;
  sqlOf: SqlOfWorkspace;
}

/** A planning task's input; the orchestrator may add to it. */
const planInputSchema = z.object({
  goalText: z.string().trim().min(1).max(20_000),
  crewId: z.string().nullish(),
});

export interface PlanData {
  graph: Graph;
  source: CachedPlanSource;
  recipe: string | null;
  cached: boolean;
  usesLanguageModel: boolean;
}

/** Part of the cache key: a new planner must not serve the plans of the old one. */
const plannerVersion = 1;

/** Plans a goal: task kind `PLAN`, the plan in `outcome.data`. */
export function createPlanHandler(deps: PlanDeps): TaskHandler {
  return async (context) => {
    const parsed = planInputSchema.safeParse(context.task.input);
    if (!parsed.success) {
      throw new ValidationError(
        parsed.error.issues.map((issue) => ({
          path: `input.${issue.path.join('.')}`,
          message: issue.message,
        })),
      );
    }
    const { goalText, crewId } = parsed.data;
    await deps.models.ready(context.signal);
    // Looked at once: a model that comes or goes meanwhile must not mix the plans of both worlds.
    const provider = deps.models.identity();
    const key = planCacheKey(context, goalText, crewId ?? null, provider);
    const plan =
      (await lookUp(deps, key, provider)) ?? (await makePlan(deps, context, { goalText, key, provider }));
    const text = describe(plan);
    context.emit(text);
    return { text, data: { ...plan } as unknown as Json, extractive: !plan.usesLanguageModel };
  };
}

/** Same words, same project, same crew, same kind of planner. Case, spaces and the final punctuation make no other goal. */
function planCacheKey(
  { task }: Pick<TaskContext, 'task'>,
  goalText: string,
  crewId: string | null,
  provider: string,
): PlanCacheKey {
  const text = normaliseGoal(goalText);
  const key = hashJson({ plannerVersion, text, crewId, projectId: task.projectId, provider });
  return { workspaceId: task.workspaceId, projectId: task.projectId, key };
}

export function normaliseGoal(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .replace(/^[\s.!?]+|[\s.!?]+$/g, '');
}

async function lookUp(deps: PlanDeps, key: PlanCacheKey, provider: string): Promise<PlanData | undefined> {
  const cached = await findCachedPlan(deps.sqlOf(key.workspaceId), key);
  if (!cached) return undefined;
  try {
    const graph = parseGraph(cached.graph);
    const { source, recipe } = cached;
    return { graph, source, recipe, cached: true, usesLanguageModel: provider !== 'extractive' };
  } catch {
    // Written by a version with other rules: made anew and replaced.
    return undefined;
  }
}

async function makePlan(
  deps: PlanDeps,
  context: TaskContext,
  { goalText, key, provider }: { goalText: string; key: PlanCacheKey; provider: string },
): Promise<PlanData> {
  const { workspaceId, projectId } = context.task;
  const project =
    projectId === null ? undefined : await findProject(deps.sqlOf(workspaceId), workspaceId, projectId);
  const request = { goalText, projectName: project?.name ?? 'the project' };
  const usesLanguageModel = provider !== 'extractive';
  if (usesLanguageModel) {
    const graph = await tryModel(deps, context, request);
    if (graph) {
      const plan: PlanData = { graph, source: 'MODEL', recipe: null, cached: false, usesLanguageModel };
      await saveCachedPlan(deps.sqlOf(key.workspaceId), key, { ...cacheable(plan), provider, goalText });
      return plan;
    }
  }
  const { graph, recipe } = planByRecipe(request);
  const plan: PlanData = {
    graph,
    source: 'RECIPE',
    recipe,
    cached: false,
    usesLanguageModel: deps.models.languageModelConnected,
  };
  // A recipe that stood in for a model that failed is for this once; the next goal deserves the model's plan.
  if (!usesLanguageModel)
    await saveCachedPlan(deps.sqlOf(key.workspaceId), key, { ...cacheable(plan), provider, goalText });
  return plan;
}

function cacheable({ graph, source, recipe }: PlanData) {
  return { graph: graph as unknown as Json, source, recipe };
}

async function tryModel(
  deps: PlanDeps,
  context: TaskContext,
  request: { goalText: string; projectName: string },
): Promise<Graph | undefined> {
  try {
    return await planWithModel(deps.models, context, request);
  } catch (error) {
    if (context.signal.aborted || !(error instanceof DomainError) || error.code !== 'UNAVAILABLE')
      throw error;
    if (!deps.models.extractiveAllowed) throw error;
    context.emit(`No model could plan this (${messageOf(error)}); a recipe is used instead.\n`);
    return undefined;
  }
}

function describe({ graph, source, recipe, cached }: PlanData): string {
  const from = source === 'MODEL' ? 'by a language model' : `by the recipe “${recipe}”`;
  const tasks = `${graph.nodes.length} ${graph.nodes.length === 1 ? 'task' : 'tasks'}`;
  return `${graph.summary}\n\nPlanned ${from}${cached ? ', from the plan cache' : ''}: ${tasks}.\n`;
}

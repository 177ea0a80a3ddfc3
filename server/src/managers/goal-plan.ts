import { z } from 'zod';
import type { Goal } from '../entities/goal.ts';
import type { Graph } from '../engines/workflow/graph.ts';
import { InvalidStateError, NotFoundError } from '../lib/errors.ts';
import type { Sql } from '../stores/sql.ts';
import type { NewTask } from '../stores/task-enqueue.ts';

/** What a planning task's handler gives. */
export const planOutcome = z.object({
  graph: z.unknown(),
  source: z.enum(['MODEL', 'RECIPE']),
  recipe: z.string().nullable(),
  cached: z.boolean(),
  usesLanguageModel: z.boolean(),
});

/** The task that plans a goal. */
export function planningTask(
  goal: Pick<NewTask, 'workspaceId' | 'goalId' | 'projectId' | 'crewId'> & { text: string },
): NewTask {
  const title = goal.text.length > 80 ? `${goal.text.slice(0, 79)}…` : goal.text;
  return {
    workspaceId: goal.workspaceId,
    goalId: goal.goalId ?? null,
    projectId: goal.projectId ?? null,
    nodeId: 'plan',
    kind: 'PLAN',
    title: `Plan: ${title}`,
    instruction: goal.text,
    input: { goalText: goal.text, crewId: goal.crewId ?? null },
    requiredCapabilities: ['plan'],
    // A person is looking at the screen: planning goes before the tasks of other goals.
    priority: 10,
  };
}

/** Parameters of a recipe's nodes are not shown for editing; a node that keeps its id keeps them. */
export function keepParameters(edited: Graph, before: Graph): Graph {
  const known = new Map(before.nodes.map((node) => [node.id, node]));
  const nodes = edited.nodes.map((node) => ({
    ...node,
    input: { ...known.get(node.id)?.input, ...node.input },
  }));
  return { ...edited, nodes };
}

export function refuse(action: string, status: string): InvalidStateError {
  return new InvalidStateError(`You cannot ${action} a goal that is ${status}.`, status);
}

export interface LockedGoal {
  status: Goal['status'];
  autoStart: boolean;
  plan: unknown;
  planRecipe: string | null;
  usesLanguageModel: boolean;
  projectId: string | null;
  crewId: string | null;
}

/** The goal, locked until the transaction ends. @throws NotFoundError */
export async function lockGoal(sql: Sql, workspaceId: string, goalId: string): Promise<LockedGoal> {
  const [row] = await sql.rows<LockedGoal>(
    `/* lockGoal */
    select status, auto_start as "autoStart", plan, plan_recipe as "planRecipe", uses_language_model as "usesLanguageModel",
      project_id as "projectId", crew_id as "crewId"
    from goal where workspace_id = $1 and id = $2 for update`,
    [workspaceId, goalId],
  );
  if (!row) throw new NotFoundError('Goal', goalId);
  return row;
}

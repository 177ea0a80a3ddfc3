import type { Goal } from '../../entities/goal.ts';
import type { GraphNode } from '../../engines/workflow/graph.ts';
import { builder } from '../builder.ts';
import { PlanSourceType, RiskType } from './enums.ts';
import { TaskType } from './task-ref.ts';

interface Plan {
  goal: Goal;
  summary: string;
  nodes: GraphNode[];
}

/** The goal's graph was parsed before it was written, so its shape is known. */
export function planOf(goal: Goal): Plan | null {
  const graph = goal.plan as { summary?: string; nodes?: GraphNode[] } | null | undefined;
  return graph ? { goal, summary: graph.summary ?? '', nodes: graph.nodes ?? [] } : null;
}

interface PlanNode {
  goalId: string;
  node: GraphNode;
}

const PlanNodeType = builder.objectRef<PlanNode>('PlanNode').implement({
  description: 'One step of a plan; it becomes one task when the plan runs.',
  fields: (t) => ({
    id: t.string({ description: 'Unique inside the plan.', resolve: ({ node }) => node.id }),
    title: t.string({ description: 'For people, 1 to 200 characters.', resolve: ({ node }) => node.title }),
    instruction: t.string({
      description: 'What the agent is to do, 1 to 20,000 characters.',
      resolve: ({ node }) => node.instruction,
    }),
    capabilities: t.stringList({
      description: 'What an agent must be able to do, all of it; any agent when empty.',
      resolve: ({ node }) => node.capabilities,
    }),
    dependsOn: t.stringList({
      description: 'Ids of nodes that must succeed first.',
      resolve: ({ node }) => node.dependsOn,
    }),
    risk: t.field({
      type: RiskType,
      description: 'How much harm the step could do, as the planner or an editor judged it.',
      resolve: ({ node }) => node.risk,
    }),
    estimatedCostMicroUsd: t.field({
      type: 'SafeInt',
      description: 'What the step may cost, in micro-dollars; 0 when nobody estimated it.',
      resolve: ({ node }) => node.estimatedCostMicroUsd ?? 0,
    }),
    task: t.field({
      type: TaskType,
      nullable: true,
      description: 'The task this node became in the newest run; null before the plan runs.',
      resolve: async ({ goalId, node }, _, { loaders }) => {
        const run = await loaders.latestRunOfGoal(goalId);
        const tasks = run ? await loaders.tasksOfRun.load(run.id) : [];
        return tasks.find((task) => task.nodeId === node.id) ?? null;
      },
    }),
  }),
});

export const PlanType = builder.objectRef<Plan>('Plan').implement({
  description: 'How a goal is to be reached: a graph of steps.',
  fields: (t) => ({
    source: t.field({
      type: PlanSourceType,
      description: 'Who made the plan, or changed it last.',
      resolve: ({ goal }) => goal.planSource ?? 'RECIPE',
    }),
    cached: t.boolean({
      description: 'True when the plan was taken from the plan cache, without asking the planner again.',
      resolve: ({ goal }) => goal.planCached,
    }),
    recipe: t.string({
      nullable: true,
      description: 'Name of the recipe it was made from, also when edited since; null when a model made it.',
      resolve: ({ goal }) => goal.planRecipe ?? null,
    }),
    summary: t.string({
      description: 'One sentence to read before accepting; may be empty.',
      resolve: (plan) => plan.summary,
    }),
    nodes: t.field({
      type: [PlanNodeType],
      description: 'Its steps, 1 to 1,000, without a cycle.',
      complexity: { field: 1, multiplier: 10 },
      resolve: ({ goal, nodes }) => nodes.map((node) => ({ goalId: goal.id, node })),
    }),
    estimatedCostMicroUsd: t.field({
      type: 'SafeInt',
      description: 'Sum of the estimates of its steps, in micro-dollars.',
      resolve: ({ nodes }) => nodes.reduce((sum, node) => sum + (node.estimatedCostMicroUsd ?? 0), 0),
    }),
  }),
});

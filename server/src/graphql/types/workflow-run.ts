import type { WorkflowRun } from '../../entities/workflow-run.ts';
import { listRuns } from '../../stores/goal-reads.ts';
import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';
import { pageCost, parsePage, toConnection } from '../pages.ts';
import { WorkflowRunStatusType } from './enums.ts';
import { GoalType } from './goal-ref.ts';
import { NodeInterface } from './node.ts';
import { ProgressType } from './parts.ts';

export const WorkflowRunType = builder.objectRef<WorkflowRun>('WorkflowRun').implement({
  description: 'One run of a graph of tasks.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: (run) => encodeId('WorkflowRun', run.id) }),
    status: t.field({ type: WorkflowRunStatusType, resolve: (run) => run.status }),
    goal: t.field({
      type: GoalType,
      nullable: true,
      resolve: async (run, _, { loaders }) =>
        run.goalId ? ((await loaders.goal.load(run.goalId)) ?? null) : null,
    }),
    progress: t.field({
      type: ProgressType,
      resolve: (run, _, { loaders }) => loaders.progressOfRun.load(run.id),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    finishedAt: t.field({ type: 'DateTime', nullable: true, resolve: (run) => run.finishedAt ?? null }),
  }),
});

builder.queryField('workflowRuns', (t) =>
  t.field({
    type: builder.connectionObject(
      { type: WorkflowRunType, name: 'QueryWorkflowRunsConnection' },
      { name: 'QueryWorkflowRunsConnectionEdge' },
    ),
    description: 'Newest first.',
    args: t.arg.connectionArgs(),
    complexity: pageCost,
    resolve: async (_, args, { em, scope }) =>
      toConnection(await listRuns(em(), scope.workspaceId, parsePage(args))),
  }),
);

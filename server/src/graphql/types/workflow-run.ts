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
    id: t.id({
      description: 'Global id, `WorkflowRun:uuid`.',
      resolve: (run) => encodeId('WorkflowRun', run.id),
    }),
    status: t.field({
      type: WorkflowRunStatusType,
      description: 'Where it stands.',
      resolve: (run) => run.status,
    }),
    goal: t.field({
      type: GoalType,
      nullable: true,
      description: 'The goal whose plan it runs; null when it runs none.',
      resolve: async (run, _, { loaders }) =>
        run.goalId ? ((await loaders.goal.load(run.goalId)) ?? null) : null,
    }),
    progress: t.field({
      type: ProgressType,
      description: 'Its tasks by state.',
      resolve: (run, _, { loaders }) => loaders.progressOfRun.load(run.id),
    }),
    createdAt: t.expose('createdAt', { description: 'When it started.', type: 'DateTime' }),
    finishedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When none of its tasks could go on; null while it is RUNNING.',
      resolve: (run) => run.finishedAt ?? null,
    }),
  }),
});

builder.queryField('workflowRuns', (t) =>
  t.field({
    type: builder.connectionObject(
      { type: WorkflowRunType, name: 'QueryWorkflowRunsConnection' },
      { name: 'QueryWorkflowRunsConnectionEdge' },
    ),
    description: 'Runs, newest first.',
    args: t.arg.connectionArgs(),
    complexity: pageCost,
    resolve: async (_, args, { em, scope }) =>
      toConnection(await listRuns(em(), scope.workspaceId, parsePage(args))),
  }),
);

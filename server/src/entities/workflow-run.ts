import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Json } from '../lib/json.ts';

export const workflowRunStatuses = ['RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED'] as const;
export type WorkflowRunStatus = (typeof workflowRunStatuses)[number];

export const WorkflowRun = defineEntity({
  name: 'WorkflowRun',
  tableName: 'workflow_run',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    goalId: p.uuid().nullable(),
    graph: p.json<Json>(),
    status: p.text().$type<WorkflowRunStatus>(),
    totalCount: p.integer(),
    activeCount: p.integer(),
    failedCount: p.integer(),
    canceledCount: p.integer(),
    version: p.integer(),
    createdAt: p.datetime(),
    finishedAt: p.datetime().nullable(),
  },
});
export type WorkflowRun = InferEntity<typeof WorkflowRun>;

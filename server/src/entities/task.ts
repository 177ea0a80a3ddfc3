import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Json } from '../lib/json.ts';

export const taskStatuses = [
  'BLOCKED',
  'QUEUED',
  'RUNNING',
  'WAITING',
  'SUCCEEDED',
  'FAILED',
  'CANCELED',
] as const;
export type TaskStatus = (typeof taskStatuses)[number];

export const Task = defineEntity({
  name: 'Task',
  tableName: 'task',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    workflowRunId: p.uuid().nullable(),
    goalId: p.uuid().nullable(),
    projectId: p.uuid().nullable(),
    crewId: p.uuid().nullable(),
    nodeId: p.text(),
    kind: p.text(),
    title: p.text(),
    instruction: p.text(),
    input: p.json<Json>(),
    requiredCapabilities: p.array().$type<string[]>(),
    queueKey: p.text(),
    status: p.text().$type<TaskStatus>(),
    priority: p.integer(),
    runAt: p.datetime(),
    attempt: p.integer(),
    maxAttempts: p.integer(),
    lostAttempts: p.integer(),
    retryLimit: p.integer(),
    timeoutMs: p.integer(),
    agentId: p.uuid().nullable(),
    leaseOwner: p.text().nullable(),
    leaseExpiresAt: p.datetime().nullable(),
    attemptStartedAt: p.datetime().nullable(),
    /** Lease owner of the attempt that succeeded. */
    lastOwner: p.text().nullable(),
    pendingDependencies: p.integer(),
    waitReason: p.text().nullable(),
    routingNote: p.text().nullable(),
    failureCode: p.text().nullable(),
    failureMessage: p.text().nullable(),
    version: p.integer(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    startedAt: p.datetime().nullable(),
    finishedAt: p.datetime().nullable(),
  },
});
export type Task = InferEntity<typeof Task>;

export const TaskDependency = defineEntity({
  name: 'TaskDependency',
  tableName: 'task_dependency',
  properties: {
    taskId: p.uuid().primary(),
    dependsOnTaskId: p.uuid().primary(),
    workspaceId: p.uuid(),
  },
});
export type TaskDependency = InferEntity<typeof TaskDependency>;

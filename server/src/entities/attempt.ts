import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

export const attemptStatuses = [
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
  'LOST',
  'CANCELED',
  'WAITING',
  'RELEASED',
] as const;
export type AttemptStatus = (typeof attemptStatuses)[number];

/** An attempt that ended otherwise than by success. The running and the successful one are the task row itself. */
export const Attempt = defineEntity({
  name: 'Attempt',
  tableName: 'attempt',
  properties: {
    taskId: p.uuid().primary(),
    number: p.integer().primary(),
    workspaceId: p.uuid(),
    agentId: p.uuid().nullable(),
    leaseOwner: p.text(),
    status: p.text().$type<AttemptStatus>(),
    failureCode: p.text().nullable(),
    failureMessage: p.text().nullable(),
    startedAt: p.datetime(),
    finishedAt: p.datetime().nullable(),
  },
});
export type Attempt = InferEntity<typeof Attempt>;

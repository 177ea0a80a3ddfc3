import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Json } from '../lib/json.ts';

export type StepStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED';
export type StepKind = 'LLM' | 'TOOL';

export const Step = defineEntity({
  name: 'Step',
  tableName: 'step',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    taskId: p.uuid(),
    position: p.integer(),
    inputHash: p.text(),
    attempt: p.integer(),
    kind: p.text().$type<StepKind>(),
    name: p.text(),
    idempotent: p.boolean(),
    status: p.text().$type<StepStatus>(),
    input: p.json<Json>(),
    output: p.json<Json>().nullable(),
    streamedText: p.text().nullable(),
    notes: p.array().$type<string[]>(),
    failureCode: p.text().nullable(),
    failureMessage: p.text().nullable(),
    provider: p.text().nullable(),
    model: p.text().nullable(),
    inputTokens: p.integer().nullable(),
    outputTokens: p.integer().nullable(),
    costMicroUsd: p.bigint('number').nullable(),
    startedAt: p.datetime(),
    finishedAt: p.datetime().nullable(),
  },
});
export type Step = InferEntity<typeof Step>;

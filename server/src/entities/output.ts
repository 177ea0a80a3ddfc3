import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Json } from '../lib/json.ts';

export const Output = defineEntity({
  name: 'Output',
  tableName: 'output',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    taskId: p.uuid(),
    attempt: p.integer(),
    text: p.text(),
    data: p.json<Json>().nullable(),
    /** Citation[] of engines/task-execution/task-context.ts. */
    citations: p.json<Json>(),
    extractive: p.boolean(),
    notice: p.text().nullable(),
    provider: p.text(),
    model: p.text().nullable(),
    createdAt: p.datetime(),
  },
});
export type Output = InferEntity<typeof Output>;

export const OutputChunk = defineEntity({
  name: 'OutputChunk',
  tableName: 'output_chunk',
  properties: {
    taskId: p.uuid().primary(),
    attempt: p.integer().primary(),
    startOffset: p.integer().primary(),
    workspaceId: p.uuid(),
    text: p.text(),
  },
});
export type OutputChunk = InferEntity<typeof OutputChunk>;

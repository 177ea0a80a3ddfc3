import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Json } from '../lib/json.ts';

/** A row of the log. Read through stores/event-store.ts, which respects the visibility horizon. */
export const Event = defineEntity({
  name: 'Event',
  tableName: 'event',
  properties: {
    seq: p.bigint('string').primary(),
    xid: p.string().columnType('xid8'),
    workspaceId: p.uuid(),
    type: p.text(),
    subjectId: p.uuid(),
    goalId: p.uuid().nullable(),
    payload: p.json<Json>(),
    at: p.datetime(),
  },
});
export type Event = InferEntity<typeof Event>;

export const IdempotencyKey = defineEntity({
  name: 'IdempotencyKey',
  tableName: 'idempotency_key',
  properties: {
    workspaceId: p.uuid().primary(),
    operation: p.text().primary(),
    key: p.text().primary(),
    inputHash: p.text(),
    resultId: p.uuid(),
    createdAt: p.datetime(),
  },
});
export type IdempotencyKey = InferEntity<typeof IdempotencyKey>;

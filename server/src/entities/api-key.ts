import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { MemberRole } from './membership.ts';

/** Without the hash of its secret, which only the search for a presented key reads. */
export const ApiKey = defineEntity({
  name: 'ApiKey',
  tableName: 'api_key',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    start: p.text(),
    role: p.text().$type<MemberRole>(),
    /** Null: whatever the role may. */
    scopes: p.array().$type<string[]>().nullable(),
    /** Null: wherever its maker may. */
    projectIds: p.array().$type<string[]>().columnType('uuid[]').nullable(),
    createdBy: p.uuid(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
    lastUsedAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
    replacedBy: p.uuid().nullable(),
  },
});
export type ApiKey = InferEntity<typeof ApiKey>;

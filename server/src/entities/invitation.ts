import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Grant, MemberRole, ProjectAccess } from './membership.ts';

/** Without the hash of its token, which nobody reads. */
export const Invitation = defineEntity({
  name: 'Invitation',
  tableName: 'invitation',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    role: p.text().$type<MemberRole>(),
    projectAccess: p.text().$type<ProjectAccess>(),
    grants: p.json<Grant[]>(),
    note: p.text(),
    invitedBy: p.uuid(),
    createdAt: p.datetime(),
    expiresAt: p.datetime(),
    acceptedBy: p.uuid().nullable(),
    acceptedAt: p.datetime().nullable(),
    revokedAt: p.datetime().nullable(),
  },
});
export type Invitation = InferEntity<typeof Invitation>;

import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

/** The same words as the security engine's roles, from most to least. */
export type MemberRole = 'OWNER' | 'ADMIN' | 'OPERATOR' | 'VIEWER';
/** GRANTED: only the projects that are granted. */
export type ProjectAccess = 'ALL' | 'GRANTED';

export interface Grant {
  projectId: string;
  role: MemberRole;
}

export const Membership = defineEntity({
  name: 'Membership',
  tableName: 'membership',
  properties: {
    workspaceId: p.uuid().primary(),
    userId: p.uuid().primary(),
    role: p.text().$type<MemberRole>(),
    projectAccess: p.text().$type<ProjectAccess>(),
    version: p.integer(),
    createdAt: p.datetime(),
    lastSeenAt: p.datetime().nullable(),
  },
});
export type Membership = InferEntity<typeof Membership>;

export const ProjectGrant = defineEntity({
  name: 'ProjectGrant',
  tableName: 'project_grant',
  properties: {
    workspaceId: p.uuid().primary(),
    userId: p.uuid().primary(),
    projectId: p.uuid().primary(),
    role: p.text().$type<MemberRole>(),
  },
});
export type ProjectGrant = InferEntity<typeof ProjectGrant>;

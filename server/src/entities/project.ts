import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

export type ProjectStatus = 'INDEXING' | 'READY' | 'FAILED';

export const Project = defineEntity({
  name: 'Project',
  tableName: 'project',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    rootPath: p.text(),
    status: p.text().$type<ProjectStatus>(),
    fileCount: p.integer(),
    indexedFileCount: p.integer(),
    skippedFileCount: p.integer(),
    chunkCount: p.integer(),
    byteCount: p.bigint('number'),
    failureCode: p.text().nullable(),
    failureMessage: p.text().nullable(),
    indexedAt: p.datetime().nullable(),
    version: p.integer(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
});
export type Project = InferEntity<typeof Project>;

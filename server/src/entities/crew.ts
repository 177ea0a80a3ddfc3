import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

export const Crew = defineEntity({
  name: 'Crew',
  tableName: 'crew',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    name: p.text(),
    description: p.text(),
    createdAt: p.datetime(),
  },
});
export type Crew = InferEntity<typeof Crew>;

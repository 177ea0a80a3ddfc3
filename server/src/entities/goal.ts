import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Json } from '../lib/json.ts';

export const goalStatuses = [
  'PLANNING',
  'AWAITING_ACCEPTANCE',
  'RUNNING',
  'SUCCEEDED',
  'FAILED',
  'CANCELED',
] as const;
export type GoalStatus = (typeof goalStatuses)[number];
export const planSources = ['MODEL', 'RECIPE', 'EDITED'] as const;
export type PlanSource = (typeof planSources)[number];

export const Goal = defineEntity({
  name: 'Goal',
  tableName: 'goal',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    projectId: p.uuid().nullable(),
    crewId: p.uuid().nullable(),
    text: p.text(),
    status: p.text().$type<GoalStatus>(),
    autoStart: p.boolean(),
    /** A Graph of engines/workflow/graph.ts, parsed before it was written. */
    plan: p.json<Json>().nullable(),
    planSource: p.text().$type<PlanSource>().nullable(),
    planCached: p.boolean(),
    planRecipe: p.text().nullable(),
    usesLanguageModel: p.boolean(),
    failureCode: p.text().nullable(),
    failureMessage: p.text().nullable(),
    version: p.integer(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
    startedAt: p.datetime().nullable(),
    finishedAt: p.datetime().nullable(),
  },
});
export type Goal = InferEntity<typeof Goal>;

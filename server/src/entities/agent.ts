import { defineEntity, p, type InferEntity } from '@mikro-orm/core';

export const agentStatuses = ['OFFLINE', 'IDLE', 'BUSY', 'PAUSED', 'ERROR', 'RETIRED'] as const;
export type AgentStatus = (typeof agentStatuses)[number];
export const agentKinds = ['LLM', 'EXTRACTIVE', 'ACP', 'REMOTE'] as const;
export type AgentKind = (typeof agentKinds)[number];
export const breakerStates = ['CLOSED', 'OPEN', 'HALF_OPEN'] as const;
export type BreakerState = (typeof breakerStates)[number];

export const Agent = defineEntity({
  name: 'Agent',
  tableName: 'agent',
  properties: {
    id: p.uuid().primary(),
    workspaceId: p.uuid(),
    crewId: p.uuid().nullable(),
    name: p.text(),
    role: p.text(),
    kind: p.text().$type<AgentKind>(),
    status: p.text().$type<AgentStatus>(),
    instructions: p.text(),
    capabilities: p.array().$type<string[]>(),
    maxConcurrency: p.integer(),
    breakerState: p.text().$type<BreakerState>(),
    breakerFailures: p.integer(),
    breakerOpenedAt: p.datetime().nullable(),
    breakerRetryAt: p.datetime().nullable(),
    succeededCount: p.integer(),
    failedCount: p.integer(),
    averageLatencyMs: p.double().nullable(),
    lastHeartbeatAt: p.datetime().nullable(),
    version: p.integer(),
    createdAt: p.datetime(),
    updatedAt: p.datetime(),
  },
});
export type Agent = InferEntity<typeof Agent>;

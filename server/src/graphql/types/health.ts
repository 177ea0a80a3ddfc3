import type { HealthCheck, HealthReport } from '../../engines/monitoring/health.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import type { ProviderStatus } from '../provider-status.ts';
import { BreakerStateType, HealthStatusType, ProviderKindType } from './enums.ts';
import { FailureType } from './parts.ts';

const HealthCheckType = builder.objectRef<HealthCheck>('HealthCheck').implement({
  description: 'One component.',
  fields: (t) => ({
    name: t.exposeString('name'),
    status: t.field({ type: HealthStatusType, resolve: (check) => check.status }),
    detail: t.exposeString('detail', { description: 'What was found, for people.' }),
    latencyMs: t.float({ nullable: true, resolve: (check) => check.latencyMs ?? null }),
  }),
});

const ModelProviderType = builder.objectRef<ProviderStatus>('ModelProvider').implement({
  description: 'A source of answers, in the order they are tried.',
  fields: (t) => ({
    name: t.exposeString('name'),
    kind: t.field({ type: ProviderKindType, resolve: (provider) => provider.kind }),
    status: t.field({ type: HealthStatusType, resolve: (provider) => provider.status }),
    address: t.string({
      nullable: true,
      description: 'Where it was looked for.',
      resolve: (provider) => provider.address ?? null,
    }),
    models: t.stringList({ resolve: (provider) => [...provider.models] }),
    failure: t.field({ type: FailureType, nullable: true, resolve: (provider) => provider.failure ?? null }),
    breakerState: t.field({ type: BreakerStateType, resolve: (provider) => provider.breakerState }),
    checkedAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: (provider) => provider.checkedAt ?? null,
    }),
  }),
});

const HealthType = builder.objectRef<HealthReport>('Health').implement({
  description: 'How the server is, as of the last check (every 5 s).',
  fields: (t) => ({
    status: t.field({
      type: HealthStatusType,
      description: 'The worst of the checks.',
      resolve: (health) => health.status,
    }),
    version: t.exposeString('version'),
    startedAt: t.expose('startedAt', { type: 'DateTime' }),
    checks: t.field({ type: [HealthCheckType], resolve: (health) => [...health.checks] }),
    eventHorizonAgeMs: t.exposeFloat('eventHorizonAgeMs', {
      description: 'Age in ms of the oldest open write transaction that holds events back; 0 when none does.',
    }),
    providers: t.field({
      type: [ModelProviderType],
      resolve: (_, __, { deps }) => [...deps.gateway.status()],
    }),
    languageModelConnected: t.boolean({
      description: 'True when at least one language model can answer now.',
      resolve: (_, __, { deps }) => deps.gateway.languageModelConnected,
    }),
    queuedTaskCount: t.exposeInt('queuedTaskCount'),
    runningTaskCount: t.exposeInt('runningTaskCount'),
    at: t.expose('at', { type: 'DateTime' }),
  }),
});

builder.queryField('health', (t) =>
  t.field({ type: HealthType, resolve: (_, __, { deps }) => deps.health.report() }),
);

async function* healthNowAndThen({ deps, signal }: Context): AsyncGenerator<HealthReport> {
  yield deps.health.report();
  for await (const report of deps.hub.topic('system.health', signal)) yield report as HealthReport;
}

builder.subscriptionField('systemHealth', (t) =>
  t.field({
    type: HealthType,
    description: 'Now, then every 5 s.',
    subscribe: (_, __, context) => healthNowAndThen(context),
    resolve: (report) => report,
  }),
);

import type { HealthCheck, HealthReport } from '../../engines/monitoring/health.ts';
import { countActiveTasks } from '../../stores/task-reads.ts';
import { mayIn } from '../authorise.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import type { ProviderStatus } from '../provider-status.ts';
import { BreakerStateType, HealthStatusType, ProviderKindType } from './enums.ts';
import { FailureType } from './parts.ts';

/**
 * An address tells about the machine and its network, as a path does, and the number of all tasks about other workspaces: for
 * operators of the first workspace, which is that of whoever runs the hive, and not for those limited to some projects.
 */
const seesMachine = ({ deps, scope }: Context) =>
  scope.workspaceId === deps.homeWorkspaceId && mayIn(scope, 'project.readPath', { projectId: null });

const inGeneral = 'What was found is shown to operators of the hive.';

/** What a check found, without addresses, paths and what belongs to other workspaces. */
function detailForAll({ name, status, detail }: HealthCheck): string {
  if (name === 'queue') return 'Takes tasks and hands them out.';
  if (name === 'disk') return /^[\d.]+ GB free/.exec(detail)?.[0] ?? inGeneral;
  if (status === 'DOWN' && name === 'database') return inGeneral;
  return detail.replaceAll(/ \([a-z]+:\/\/[^)]*\)/g, '');
}

/** Of the whole hive as of the check, or those in the sight of whoever asks, as of now. */
async function countOf(
  report: HealthReport,
  status: 'QUEUED' | 'RUNNING',
  context: Context,
): Promise<number> {
  const ofHive = status === 'QUEUED' ? report.queuedTaskCount : report.runningTaskCount;
  if (seesMachine(context) || ofHive === 0) return ofHive;
  // A report has to come also while the database is away.
  return countActiveTasks(context.em(), context.scope.workspaceId, status).catch(() => 0);
}

const HealthCheckType = builder.objectRef<HealthCheck>('HealthCheck').implement({
  description: 'What the last check found of one component.',
  fields: (t) => ({
    name: t.exposeString('name', {
      description:
        'The component: `database`, `event horizon`, `queue`, `disk`, `event loop`, `language models` or `loops`.',
    }),
    status: t.field({ type: HealthStatusType, description: 'How it is.', resolve: (check) => check.status }),
    detail: t.string({
      description:
        'What was found, for people; without addresses, paths and numbers of all tasks but for operators of the first workspace.',
      resolve: (check, _, context) => (seesMachine(context) ? check.detail : detailForAll(check)),
    }),
    latencyMs: t.float({
      nullable: true,
      description:
        'Its delay in ms: of an answer for `database`, the 99th percentile for `event loop`; null for the others.',
      resolve: (check) => check.latencyMs ?? null,
    }),
  }),
});

const ModelProviderType = builder.objectRef<ProviderStatus>('ModelProvider').implement({
  description: 'A source of answers, in the order they are tried.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'As in HIVE_LLM_PROVIDERS, for example `ollama`.' }),
    kind: t.field({
      type: ProviderKindType,
      description: 'What it speaks.',
      resolve: (provider) => provider.kind,
    }),
    status: t.field({
      type: HealthStatusType,
      description:
        'DOWN when it was not found or its breaker is open, DEGRADED when its last call failed or its breaker tries it again.',
      resolve: (provider) => provider.status,
    }),
    address: t.string({
      nullable: true,
      description:
        'Where it was looked for; null when it is built in or not set up, and but for operators of the first workspace.',
      resolve: (provider, _, context) => (seesMachine(context) ? (provider.address ?? null) : null),
    }),
    models: t.stringList({
      description: 'Models it offered at the last look; empty when it did not answer.',
      resolve: (provider) => [...provider.models],
    }),
    failure: t.field({
      type: FailureType,
      nullable: true,
      description:
        'Why the last look or call failed, in general words but for operators of the first workspace; null when it did not.',
      resolve: ({ failure }, _, context) =>
        failure && !seesMachine(context) ? { code: failure.code, message: inGeneral } : (failure ?? null),
    }),
    breakerState: t.field({
      type: BreakerStateType,
      description:
        'Its circuit breaker: it opens after HIVE_LLM_BREAKER_FAILURES failed calls in a row (5 by default), for HIVE_LLM_BREAKER_COOLDOWN_MS (60,000 ms).',
      resolve: (provider) => provider.breakerState,
    }),
    checkedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When it was last looked for (every HIVE_LLM_HEALTH_INTERVAL_MS, 30,000 ms by default); null before the first time.',
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
    version: t.exposeString('version', { description: 'Version of the server.' }),
    startedAt: t.expose('startedAt', { description: 'When this server process started.', type: 'DateTime' }),
    checks: t.field({
      type: [HealthCheckType],
      description: 'Each component of this server.',
      resolve: (health) => [...health.checks],
    }),
    eventHorizonAgeMs: t.exposeFloat('eventHorizonAgeMs', {
      description: 'Age in ms of the oldest open write transaction that holds events back; 0 when none does.',
    }),
    providers: t.field({
      type: [ModelProviderType],
      description: 'Language models and what stands in for them, in the order they are tried; as of now.',
      resolve: (_, __, { deps }) => [...deps.gateway.status()],
    }),
    languageModelConnected: t.boolean({
      description: 'True when at least one language model can answer now.',
      resolve: (_, __, { deps }) => deps.gateway.languageModelConnected,
    }),
    queuedTaskCount: t.int({
      description:
        'Tasks that are QUEUED, due or not: for operators of the first workspace all that the hive had at the check, for others those they see; 0 while the database is DOWN.',
      resolve: (health, _, context) => countOf(health, 'QUEUED', context),
    }),
    runningTaskCount: t.int({
      description:
        'Tasks that are RUNNING, on all servers, counted as those that are QUEUED; 0 while the database is DOWN.',
      resolve: (health, _, context) => countOf(health, 'RUNNING', context),
    }),
    at: t.expose('at', { description: 'When the check was made.', type: 'DateTime' }),
  }),
});

builder.queryField('health', (t) =>
  t.field({
    type: HealthType,
    description: 'The last report of this server, at most about 5 s old; never waits for a check.',
    resolve: (_, __, { deps }) => deps.health.report(),
  }),
);

async function* healthNowAndThen({ deps, signal }: Context): AsyncGenerator<HealthReport> {
  yield deps.health.report();
  for await (const report of deps.hub.topic('system.health', signal)) yield report as HealthReport;
}

builder.subscriptionField('systemHealth', (t) =>
  t.field({
    type: HealthType,
    description: 'The last report of this server, then the next ones, every 5 s.',
    subscribe: (_, __, context) => healthNowAndThen(context),
    resolve: (report) => report,
  }),
);

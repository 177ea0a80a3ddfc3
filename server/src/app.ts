import { randomUUID } from 'node:crypto';
import { createAgentHandler } from './agents/agent-handler.ts';
import { createPlanHandler } from './agents/plan-handler.ts';
import { createSecurity, type Security } from './app-security.ts';
import type { HiveConfig } from './config/schema.ts';
import { awaitDatabase } from './database/await-database.ts';
import { connectDatabase } from './database/connect.ts';
import { migrate } from './database/migrate.ts';
import { startHealthMonitor, type HealthMonitor } from './engines/monitoring/health.ts';
import { assignSlots } from './engines/optimization/assign-slots.ts';
import { TaskExecution } from './engines/task-execution/task-execution.ts';
import type { GraphQLDeps } from './graphql/context.ts';
import { EventPump } from './hub/event-pump.ts';
import { Hub } from './hub/hub.ts';
import { PostgresWakes } from './hub/postgres-wakes.ts';
import { WakeChannel } from './hub/wake-channel.ts';
import { systemClock } from './lib/clock.ts';
import type { Logger } from './lib/log.ts';
import { createModelGateway, type ModelGateway } from './llm/model-gateway.ts';
import { createContextManager, type ContextManager } from './managers/context-manager.ts';
import { createResourceManager } from './managers/resource-manager.ts';
import { withStoredKeys } from './managers/stored-model-keys.ts';
import { createTaskManager } from './managers/task-manager.ts';
import { Orchestrator } from './orchestrator/orchestrator.ts';
import { listDependencyOutputs } from './stores/output-store.ts';
import { findAgentProfile } from './stores/agent-store.ts';
import { findProject } from './stores/project-store.ts';
import { sqlOfPool } from './stores/sql.ts';
import { sqlOfTenant } from './stores/tenancy.ts';
import { findWorkspace, getHomeWorkspaceId } from './stores/workspace-store.ts';
import { createBuiltInTools } from './tools/built-in-tools.ts';

export interface AppOptions {
  config: HiveConfig;
  /** That of the embedded server, or the one configured. */
  databaseUrl: string;
  log: Logger;
  version: string;
  /** The folder the server was started in: the default project, and the root of all others of the first workspace. */
  projectRoot: string;
  /**
   * Stays the same across restarts of this installation, of which at most one runs: the leases of its earlier processes are
   * taken back at once. Without it, they run out.
   */
  nodeId?: string;
  /** Where the server listens. */
  listening: { port: number; url: string };
}

/** A running hive without its transports. */
export interface App extends Pick<Security, 'authenticator' | 'identity' | 'rateLimiter' | 'routes'> {
  api: GraphQLDeps;
  health: HealthMonitor;
  gateway: ModelGateway;
  contextManager: ContextManager;
  execution: TaskExecution;
  /** Takes over the settings that need no restart. */
  configure(config: HiveConfig): Promise<void>;
  /** Ends everything in reverse order of start; work in flight has until the deadline. */
  stop(deadlineMs: number): Promise<void>;
}

/** Its library is only loaded where there is a Redis. */
async function redisWakes(url: string | undefined, log: Logger) {
  if (url === undefined) return [];
  const { RedisWakes } = await import('./hub/redis-wakes.ts');
  return [new RedisWakes({ url, log })];
}

/** Migrates the database, builds the hive and starts it. The only place where parts meet. */
export async function createApp(options: AppOptions): Promise<App> {
  const { log } = options;
  let { config } = options;
  const clock = systemClock;
  const { adminUrl, poolSize } = config.database;
  await awaitDatabase({ url: options.databaseUrl, clock, log });
  // As the owner of the tables; from then on the server has only the rights it needs.
  await migrate({ url: adminUrl ?? options.databaseUrl, log });
  const database = await connectDatabase({ url: options.databaseUrl, adminUrl, log, poolSize });
  const { orm, tenantPool, systemPool } = database;
  const sql = sqlOfPool(systemPool);
  const sqlOf = (workspaceId: string) => sqlOfTenant(tenantPool, { workspaceId });
  const homeId = await getHomeWorkspaceId(sql);

  const pump = new EventPump({ sql, clock, log });
  const hub = new Hub({ sql, tenantPool, pump });
  const wakes = new WakeChannel({
    transports: [
      ...(await redisWakes(config.redis.url, log)),
      new PostgresWakes({ connection: database.systemConnection, pool: systemPool, clock, log }),
    ],
    log,
    onWake: () => orchestrator.wokenFromOutside(),
    onCancel: (taskId) => execution.cancel(taskId),
  });
  const onChanged = () => {
    orchestrator.changed();
    security.committed();
  };
  const security = await createSecurity({
    ...{ orm, systemPool, homeWorkspaceId: homeId, clock, log, onChanged, listening: options.listening },
    config: () => config,
    onWorkspaceCreated: (workspaceId) => resourceManager.ensureStarterCrew({ workspaceId }),
    onSecretChanged: () => void takeStoredKeys(),
  });
  const { onDenied } = security;
  const modelConfig = () =>
    withStoredKeys(config.llm, (name) => security.secretsManager.readSecret(homeId, name));
  const takeStoredKeys = async () => {
    try {
      await gateway.configure(await modelConfig());
    } catch (error) {
      log.error({ err: error }, 'the stored keys of the language models cannot be read');
    }
  };
  const gateway = createModelGateway({ config: await modelConfig(), clock, log });
  const taskManager = createTaskManager({
    orm,
    onDenied,
    onChanged,
    onCanceled: (taskIds) => taskIds.forEach((taskId) => orchestrator.taskCanceledHere(taskId)),
  });
  const resourceManager = createResourceManager({
    orm,
    onDenied,
    systemPool,
    onChanged,
    offlineAfterMs: () => 3 * config.agents.healthIntervalMs,
    // Read when used, since a reload may have changed them.
    breaker: {
      get failures() {
        return config.llm.breakerFailures;
      },
      get cooldownMs() {
        return config.llm.breakerCooldownMs;
      },
    },
  });
  const folderOf = async (workspaceId: string) => {
    const slug = (await findWorkspace(sqlOf(workspaceId), workspaceId))?.slug ?? '';
    return { slug, path: workspaceId === homeId ? options.projectRoot : config.workspaces.folders[slug] };
  };
  const contextManager = createContextManager({
    orm,
    onDenied,
    tenantPool,
    systemPool,
    clock,
    log,
    folderOf,
    onChanged,
    onOperation: (operation) => hub.publish('memory.operation', { ...operation, at: new Date(clock.now()) }),
  });
  const runAgent = createAgentHandler({
    models: gateway,
    tools: createBuiltInTools({ systemSql: sql, sqlOf }),
    clock,
    findAgent: (workspaceId, id) => findAgentProfile(sqlOf(workspaceId), id),
    listDependencyOutputs: (workspaceId, taskId) => listDependencyOutputs(sqlOf(workspaceId), taskId),
    findProject: (workspaceId, id) => findProject(sqlOf(workspaceId), workspaceId, id),
  });
  const nodePrefix = options.nodeId === undefined ? undefined : `${options.nodeId}:`;
  const execution = new TaskExecution({
    pool: systemPool,
    clock,
    log,
    leaseOwner: `${nodePrefix ?? 'node:'}${randomUUID()}`,
    ...(nodePrefix === undefined ? {} : { nodePrefix }),
    leaseMs: config.execution.leaseMs,
    concurrency: config.execution.concurrency,
    assign: assignSlots,
    kinds: {
      AGENT: { run: runAgent },
      PLAN: { run: createPlanHandler({ models: gateway, sqlOf }), settle: taskManager.applyPlan },
    },
    onOutput: (piece) => hub.outputs.publish(piece),
    onOutputEnd: (task) => hub.outputs.end(task),
    onCommitted: () => orchestrator.committed(),
    onClaimed: () => orchestrator.attemptsClaimed(),
    onSettled: (attempt) => orchestrator.attemptSettled(attempt),
  });
  let defaultProjectId: string | undefined;
  const orchestrator = new Orchestrator({
    sql,
    clock,
    log,
    hub,
    wakes,
    execution,
    taskManager,
    resourceManager,
    // Other workspaces have folders to register, not one they were started in.
    findDefaultProjectId: async ({ workspaceId }) => (workspaceId === homeId ? defaultProjectId : undefined),
    settings: () => ({
      internalTimeoutMs: config.execution.internalTimeoutMs,
      agentHealthIntervalMs: config.agents.healthIntervalMs,
      eventRetentionDays: config.events.retentionDays,
    }),
  });

  /** What has been started so far, in order. */
  const stops: ((deadlineMs: number) => Promise<void>)[] = [
    () => database.close(),
    () => pump.stop(),
    () => security.stop(),
  ];
  const stop = async (deadlineMs: number) => {
    // A part that hangs, on a database that no longer answers, must not keep the others from ending.
    const lastMoment = clock.now() + deadlineMs + 5_000;
    for (const end of stops.splice(0).reverse()) {
      await Promise.race([end(deadlineMs), clock.sleep(Math.max(500, lastMoment - clock.now()))]);
    }
  };
  try {
    gateway.start();
    stops.push(() => gateway.stop());
    stops.push((deadlineMs) => orchestrator.stop(deadlineMs));
    await orchestrator.start();
    stops.push(() => contextManager.stop());
    defaultProjectId = (await contextManager.ensureDefaultProject({ workspaceId: homeId })).id;
    await contextManager.resumeIndexing();
    const health = await startHealthMonitor({
      sql,
      dataDir: config.dataDir,
      version: options.version,
      clock,
      log,
      providers: () => gateway.status(),
      publish: (report) => hub.publish('system.health', report),
    });
    stops.push(() => health.stop());
    const { authenticator, identity, rateLimiter, routes, securityManager, auditManager, secretsManager } =
      security;
    const api = {
      orm,
      log,
      ...{ authenticator, securityManager, auditManager, secretsManager, onDenied },
      orchestrator,
      taskManager,
      resourceManager,
      contextManager,
      hub,
      gateway,
      health,
      homeWorkspaceId: homeId,
      retention: () => ({
        eventDays: config.events.retentionDays || null,
        auditDays: config.security.auditRetentionDays || null,
        addressDays: config.security.addressRetentionDays,
        sessionDays: config.identity.sessionDays,
      }),
    };
    const configure = async (next: HiveConfig) => {
      security.configured(config, next);
      config = next;
      orchestrator.reconfigured();
      await gateway.configure(await modelConfig());
    };
    return {
      ...{ api, health, gateway, contextManager, execution, configure, stop },
      ...{ authenticator, identity, rateLimiter, routes },
    };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

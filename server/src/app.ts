import { randomUUID } from 'node:crypto';
import { createAgentHandler } from './agents/agent-handler.ts';
import { createPlanHandler } from './agents/plan-handler.ts';
import type { HiveConfig } from './config/schema.ts';
import { awaitDatabase } from './database/await-database.ts';
import { connectDatabase, migrate } from './database/connect.ts';
import { startHealthMonitor, type HealthMonitor } from './engines/monitoring/health.ts';
import { assignSlots } from './engines/optimization/assign-slots.ts';
import { TaskExecution } from './engines/task-execution/task-execution.ts';
import { Workspace } from './entities/workspace.ts';
import type { GraphQLDeps } from './graphql/context.ts';
import { EventPump } from './hub/event-pump.ts';
import { Hub } from './hub/hub.ts';
import { PostgresWakes } from './hub/postgres-wakes.ts';
import { RedisWakes } from './hub/redis-wakes.ts';
import { WakeChannel } from './hub/wake-channel.ts';
import { systemClock } from './lib/clock.ts';
import type { Logger } from './lib/log.ts';
import { createModelGateway, type ModelGateway } from './llm/model-gateway.ts';
import { createContextManager, type ContextManager } from './managers/context-manager.ts';
import { createResourceManager } from './managers/resource-manager.ts';
import { createTaskManager } from './managers/task-manager.ts';
import { Orchestrator } from './orchestrator/orchestrator.ts';
import { listDependencyOutputs } from './stores/output-store.ts';
import { findAgentProfile } from './stores/agent-store.ts';
import { findProject } from './stores/project-store.ts';
import { sqlOfPool } from './stores/sql.ts';
import { createBuiltInTools } from './tools/built-in-tools.ts';

export interface AppOptions {
  config: HiveConfig;
  /** That of the embedded server, or the one configured. */
  databaseUrl: string;
  log: Logger;
  version: string;
  /** The folder the server was started in: the default project, and the root of all others. */
  projectRoot: string;
  /**
   * Stays the same across restarts of this installation, of which at most one runs: the leases of its earlier processes are
   * taken back at once. Without it, they run out.
   */
  nodeId?: string;
}

/** A running hive without its transports. */
export interface App {
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

/** Migrates the database, builds the hive and starts it. The only place where parts meet. */
export async function createApp(options: AppOptions): Promise<App> {
  const { log } = options;
  let { config } = options;
  const clock = systemClock;
  await awaitDatabase({ url: options.databaseUrl, clock, log });
  const database = await connectDatabase({
    url: options.databaseUrl,
    log,
    poolSize: config.database.poolSize,
  });
  try {
    await migrate(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  const { orm, pool } = database;
  const sql = sqlOfPool(pool);
  const workspace = await orm.em.fork().findOneOrFail(Workspace, { slug: 'default' });

  const pump = new EventPump({ sql, clock, log });
  const hub = new Hub({ sql, pump });
  const wakes = new WakeChannel({
    transports: [
      ...(config.redis.url === undefined ? [] : [new RedisWakes({ url: config.redis.url, log })]),
      new PostgresWakes({ url: options.databaseUrl, pool, clock, log }),
    ],
    log,
    onWake: () => orchestrator.wokenFromOutside(),
    onCancel: (taskId) => execution.cancel(taskId),
  });
  const gateway = createModelGateway({ config: config.llm, clock, log });
  const onChanged = () => orchestrator.changed();
  const taskManager = createTaskManager({
    orm,
    onChanged,
    onCanceled: (taskIds) => taskIds.forEach((taskId) => orchestrator.taskCanceledHere(taskId)),
  });
  const resourceManager = createResourceManager({
    orm,
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
  const contextManager = createContextManager({
    orm,
    pool,
    clock,
    log,
    allowedRoot: options.projectRoot,
    onChanged,
    onOperation: (operation) => hub.publish('memory.operation', { ...operation, at: new Date(clock.now()) }),
  });
  const runAgent = createAgentHandler({
    models: gateway,
    tools: createBuiltInTools({ sql }),
    clock,
    findAgent: (id) => findAgentProfile(sql, id),
    listDependencyOutputs: (taskId) => listDependencyOutputs(sql, taskId),
    findProject: (workspaceId, id) => findProject(sql, workspaceId, id),
  });
  const nodePrefix = options.nodeId === undefined ? undefined : `${options.nodeId}:`;
  const execution = new TaskExecution({
    pool,
    clock,
    log,
    leaseOwner: `${nodePrefix ?? 'node:'}${randomUUID()}`,
    ...(nodePrefix === undefined ? {} : { nodePrefix }),
    leaseMs: config.execution.leaseMs,
    concurrency: config.execution.concurrency,
    assign: assignSlots,
    kinds: {
      AGENT: { run: runAgent },
      PLAN: { run: createPlanHandler({ models: gateway, sql }), settle: taskManager.applyPlan },
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
    findDefaultProjectId: async () => defaultProjectId,
    workspaceId: workspace.id,
    settings: () => ({
      internalTimeoutMs: config.execution.internalTimeoutMs,
      agentHealthIntervalMs: config.agents.healthIntervalMs,
      eventRetentionDays: config.events.retentionDays,
    }),
  });

  /** What has been started so far, in order. */
  const stops: ((deadlineMs: number) => Promise<void>)[] = [() => database.close(), () => pump.stop()];
  const stop = async (deadlineMs: number) => {
    // A part that hangs, on a database that no longer answers, must not keep the others from ending.
    const lastMoment = clock.now() + deadlineMs + 5_000;
    for (const end of stops.splice(0).reverse()) {
      await Promise.race([end(deadlineMs), clock.sleep(Math.max(500, lastMoment - clock.now()))]);
    }
  };
  try {
    const scope = { workspaceId: workspace.id };
    gateway.start();
    stops.push(() => gateway.stop());
    stops.push((deadlineMs) => orchestrator.stop(deadlineMs));
    await orchestrator.start();
    stops.push(() => contextManager.stop());
    defaultProjectId = (await contextManager.ensureDefaultProject(scope)).id;
    await contextManager.resumeIndexing(scope);
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
    const api = {
      orm,
      log,
      workspace,
      orchestrator,
      taskManager,
      resourceManager,
      contextManager,
      hub,
      gateway,
      health,
    };
    const configure = async (next: HiveConfig) => {
      config = next;
      orchestrator.reconfigured();
      await gateway.configure(next.llm);
    };
    return { api, health, gateway, contextManager, execution, configure, stop };
  } catch (error) {
    await stop(0);
    throw error;
  }
}

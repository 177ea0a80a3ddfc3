import { EventPump } from '../../server/src/hub/event-pump.ts';
import { Hub } from '../../server/src/hub/hub.ts';
import { startHealthMonitor } from '../../server/src/engines/monitoring/health.ts';
import type { GraphQLDeps } from '../../server/src/graphql/context.ts';
import { openListener } from '../../server/src/http/listener.ts';
import { startHttp, type HttpDeps } from '../../server/src/http/start-http.ts';
import { systemClock } from '../../server/src/lib/clock.ts';
import { createResourceManager } from '../../server/src/managers/resource-manager.ts';
import { createTaskManager } from '../../server/src/managers/task-manager.ts';
import { sqlOfPool } from '../../server/src/stores/sql.ts';
import type { TestDatabase } from './database.ts';
import { recordingLog } from './log.ts';

export interface TestApi {
  url: string;
  port: number;
  deps: GraphQLDeps;
  hub: Hub;
  log: ReturnType<typeof recordingLog>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

/**
 * The API over real HTTP and WebSocket, on real managers, reads and hub, with no loop that runs tasks: what a test writes
 * stays as it is.
 */
export async function startTestApi(
  database: TestDatabase,
  options: { overrides?: Partial<GraphQLDeps>; http?: Partial<Omit<HttpDeps, 'graphql' | 'listener'>> } = {},
): Promise<TestApi> {
  const { orm, pool, workspaceId } = database;
  const log = recordingLog();
  const sql = sqlOfPool(pool);
  const pump = new EventPump({ sql, clock: systemClock, log, pollMs: 20 });
  const hub = new Hub({ sql, pump });
  const onChanged = () => pump.wake();
  const taskManager = createTaskManager({ orm, onChanged, onCanceled: () => {} });
  const resourceManager = createResourceManager({
    orm,
    onChanged,
    offlineAfterMs: () => 90_000,
    breaker: { failures: 5, cooldownMs: 60_000 },
  });
  const unavailable = () => Promise.reject(new Error('no context manager in this test'));
  const health = await startHealthMonitor({
    ...{ sql, dataDir: '/tmp', version: '0.0.0-test', clock: systemClock, log, providers: () => [] },
    publish: (report) => hub.publish('system.health', report),
    intervalMs: 200,
  });
  const deps: GraphQLDeps = {
    ...{ orm, log, hub, taskManager, resourceManager, health },
    workspace: { id: workspaceId, name: 'My hive' },
    orchestrator: taskManager,
    contextManager: { registerProject: unavailable, reindexProject: unavailable },
    gateway: { status: () => [], languageModelConnected: false },
    ...options.overrides,
  };
  const config = { host: '127.0.0.1', port: 0, allowedHosts: [] };
  const listener = await openListener({ config, version: '0.0.0-test' });
  const http = startHttp({ listener, config, appFolder: '/nonexistent', ...options.http, graphql: deps });
  return {
    ...{ url: http.url, port: http.port, deps, hub, log, drain: http.drain },
    async close() {
      await http.close();
      await health.stop();
      await pump.stop();
    },
  };
}

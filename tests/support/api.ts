import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startHealthMonitor } from '../../server/src/engines/monitoring/health.ts';
import { createAuditRecorder } from '../../server/src/engines/security/audit-recorder.ts';
import { Keyring } from '../../server/src/engines/security/keyring.ts';
import { TokenBuckets } from '../../server/src/engines/security/rate-limit.ts';
import type { GraphQLDeps } from '../../server/src/graphql/context.ts';
import { openListener, type ListenerConfig } from '../../server/src/http/listener.ts';
import { startHttp, type HttpDeps } from '../../server/src/http/start-http.ts';
import { EventPump } from '../../server/src/hub/event-pump.ts';
import { Hub } from '../../server/src/hub/hub.ts';
import { findPeople, pseudonymise } from '../../server/src/identity/people-store.ts';
import { NotFoundError } from '../../server/src/lib/errors.ts';
import { systemClock } from '../../server/src/lib/clock.ts';
import { createAuditManager } from '../../server/src/managers/audit-manager.ts';
import { originOf, type OnDenied } from '../../server/src/managers/authorise.ts';
import { createContextManager } from '../../server/src/managers/context-manager.ts';
import { createResourceManager } from '../../server/src/managers/resource-manager.ts';
import { createSecretsManager } from '../../server/src/managers/secrets-manager.ts';
import { createSecurityManager, type PeopleSource } from '../../server/src/managers/security-manager.ts';
import { createTaskManager } from '../../server/src/managers/task-manager.ts';
import { inSystemTransaction } from '../../server/src/managers/transaction.ts';
import { sqlOfPool, type Sql } from '../../server/src/stores/sql.ts';
import type { TestDatabase } from './database.ts';
import { recordingLog } from './log.ts';
import { createCast, type Cast } from './principals.ts';

export interface TestApi {
  url: string;
  port: number;
  deps: GraphQLDeps;
  hub: Hub;
  log: ReturnType<typeof recordingLog>;
  /** Who may sign in, as what. */
  cast: Cast;
  /** Resolves when every refusal so far is on record. */
  recorded(): Promise<void>;
  drain(): Promise<void>;
  close(): Promise<void>;
}

export interface TestApiOptions {
  overrides?: Partial<GraphQLDeps>;
  http?: Partial<Omit<HttpDeps, 'graphql' | 'listener' | 'config' | 'security'>>;
  /** Instead of loopback, any free port and no TLS. */
  server?: Partial<ListenerConfig>;
  /** Instead of no limits, any document and introspection. */
  security?: Partial<ReturnType<HttpDeps['security']>>;
}

const noLimits = { rateBurst: 0, rateRefillSeconds: 10, anonymousBurst: 0, anonymousRefillSeconds: 10 };

/**
 * The API over real HTTP and WebSocket, on real managers, reads and hub, with no loop that runs tasks: what a test writes
 * stays as it is. Who asks is up to `cast`; a test that gives no credentials acts as whoever is at the machine.
 */
export async function startTestApi(database: TestDatabase, options: TestApiOptions = {}): Promise<TestApi> {
  const { orm, tenantPool, systemPool, workspaceId } = database;
  const log = recordingLog();
  const sql = sqlOfPool(systemPool);
  const folder = mkdtempSync(join(tmpdir(), 'hive-test-api-'));
  const pump = new EventPump({ sql, clock: systemClock, log, pollMs: 20 });
  const hub = new Hub({ sql, tenantPool, pump });
  const cast = createCast(workspaceId);
  const recorder = createAuditRecorder({ systemSql: sql, clock: systemClock, log });
  const onDenied: OnDenied = (scope, action, _resource, reason) =>
    recorder.record({
      ...originOf(scope),
      ...{ workspaceId: scope.workspaceId, action, outcome: 'DENIED', detail: { reason } },
    });
  const onChanged = () => pump.wake();
  const contextManager = createContextManager({
    ...{ orm, tenantPool, systemPool, clock: systemClock, log, onChanged, onDenied },
    folderOf: async () => ({ slug: 'default', path: folder }),
  });
  const taskManager = createTaskManager({ orm, onChanged, onCanceled: () => {}, onDenied });
  const health = await startHealthMonitor({
    ...{ sql, dataDir: '/tmp', version: '0.0.0-test', clock: systemClock, log, providers: () => [] },
    publish: (report) => hub.publish('system.health', report),
    intervalMs: 200,
  });
  const deps: GraphQLDeps = {
    ...{ orm, log, hub, taskManager, contextManager, health, onDenied },
    authenticator: cast.authenticator,
    orchestrator: taskManager,
    resourceManager: createResourceManager({
      ...{ orm, systemPool, onChanged, onDenied },
      offlineAfterMs: () => 90_000,
      breaker: { failures: 5, cooldownMs: 60_000 },
    }),
    securityManager: createSecurityManager({
      ...{ orm, systemPool, onChanged, onDenied, identity: peopleIn(sql), homeWorkspaceId: workspaceId },
      baseUrl: (scope) => scope.request?.baseUrl ?? 'https://hive.example.org',
      hasFolder: (slug) => slug === 'kept',
      onWorkspaceCreated: () => {},
    }),
    auditManager: createAuditManager({ orm, onDenied }),
    secretsManager: createSecretsManager({
      ...{ orm, onDenied, systemSql: sql, homeWorkspaceId: workspaceId },
      keyring: new Keyring({ dataDir: folder }),
      transaction: (work) => inSystemTransaction(systemPool, work),
    }),
    gateway: { status: () => [], languageModelConnected: false },
    homeWorkspaceId: workspaceId,
    retention: () => ({ eventDays: 90, auditDays: null, addressDays: 90, sessionDays: 30 }),
    ...options.overrides,
  };
  const config = { host: '127.0.0.1', port: 0, allowedHosts: [], trustedProxies: [], ...options.server };
  const listener = await openListener({ config, version: '0.0.0-test', log });
  const stop = async () => {
    await listener.close();
    await contextManager.stop();
    await recorder.stop();
    await health.stop();
    await pump.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const http = await startOrStop(stop, () =>
    startHttp({
      ...{ listener, config, appFolder: '/nonexistent', authenticator: cast.authenticator },
      limiter: new TokenBuckets({ clock: systemClock }),
      security: () => ({ ...noLimits, documents: 'any', introspection: 'on', ...options.security }),
      identity: { handle: async () => Response.json({ code: 'NOT_FOUND' }, { status: 404 }) },
      ...options.http,
      graphql: deps,
    }),
  );
  return {
    ...{ url: http.url, port: http.port, deps, hub, log, cast, drain: http.drain },
    recorded: () => recorder.flush(),
    async close() {
      await http.close();
      await stop();
    },
  };
}

/** A start that is refused leaves nothing behind. */
async function startOrStop<T>(stop: () => Promise<void>, start: () => T): Promise<T> {
  try {
    return start();
  } catch (error) {
    await stop();
    throw error;
  }
}

/** People as the identity service keeps them, without their ways to sign in. */
function peopleIn(sql: Sql): PeopleSource {
  return {
    findPeople: (ids) => findPeople(sql, ids),
    exportPerson: async (userId) => (await findPeople(sql, [userId])).map(({ id, name }) => ({ id, name })),
    async erasePerson(userId, transaction) {
      if (!(await pseudonymise(transaction, userId))) throw new NotFoundError('Person', userId);
    },
  };
}

import type { Pool } from 'pg';
import { indexProject, type MemoryOperation } from '../engines/data-processing/project-indexer.ts';
import { backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError, codeOf, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { appendEvents } from '../stores/event-store.ts';
import {
  failProjectIndexing,
  finishProjectIndexing,
  projectPayload,
  saveProjectProgress,
  startProjectIndexing,
  type ProjectCounts,
  type ProjectRecord,
} from '../stores/project-store.ts';
import { withProjectLock } from '../stores/project-lock.ts';
import type { Sql } from '../stores/sql.ts';
import { sqlOfTenant, type Tenancy } from '../stores/tenancy.ts';

export interface ProjectIndexingDeps {
  /** Of hive_tenant: what is written is the project's workspace's. */
  tenantPool: Pool;
  /** Of hive_system; holds the locks. */
  systemPool: Pool;
  clock: Clock;
  log: Logger;
  transaction<T>(tenancy: Tenancy, work: (sql: Sql) => Promise<T>): Promise<T>;
  /** Whether the project lies where its workspace may read. */
  isAllowed(project: ProjectRecord): Promise<boolean>;
  onOperation?(operation: MemoryOperation & { workspaceId: string }): void;
}

export interface ProjectIndexing {
  /** Indexes in the background. One run a project at a time; asked for during a run, one more follows it. */
  start(project: ProjectRecord): void;
  isRunning(projectId: string): boolean;
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** A client redraws a bar; more often it cannot tell the difference, and each is a row in the log. */
const progressIntervalMs = 500;
const retry = { initialMs: 500, factor: 2, maxMs: 5_000 };
const maxTries = 4;
/**
 * Projects indexed at a time; the others wait. Each holds a connection for its lock, and all workspaces begin theirs when the
 * server starts.
 */
const maxRunning = 2;

export function createProjectIndexing(deps: ProjectIndexingDeps): ProjectIndexing {
  const stopping = new AbortController();
  const running = new Map<string, { done: Promise<void>; again: boolean }>();
  const inTurn = createTurns(maxRunning);

  const start = (project: ProjectRecord): void => {
    const current = running.get(project.id);
    if (current) {
      current.again = true;
      return;
    }
    if (stopping.signal.aborted) return;
    const entry = { done: Promise.resolve(), again: false };
    running.set(project.id, entry);
    entry.done = (async () => {
      do {
        entry.again = false;
        await inTurn(() => runWithRetries(deps, project, stopping.signal));
      } while (entry.again && !stopping.signal.aborted);
    })().finally(() => running.delete(project.id));
  };

  return {
    start,
    isRunning: (projectId) => running.has(projectId),
    async idle() {
      while (running.size > 0) await Promise.all([...running.values()].map(({ done }) => done));
    },
    async stop() {
      stopping.abort(new DomainError('UNAVAILABLE', 'the server is stopping'));
      await Promise.all([...running.values()].map(({ done }) => done));
    },
  };
}

/** Runs at most so many at once, the rest in the order of their coming. */
function createTurns(most: number): (work: () => Promise<void>) => Promise<void> {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (work) => {
    if (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      await work();
    } finally {
      // The place goes to the next one without ever being free.
      const next = waiting.shift();
      if (next) next();
      else running -= 1;
    }
  };
}

/** Never throws: what cannot be done ends as the project's failure, or in the log when not even that can be written. */
async function runWithRetries(
  deps: ProjectIndexingDeps,
  project: ProjectRecord,
  signal: AbortSignal,
): Promise<void> {
  for (let attempt = 1; !signal.aborted; attempt += 1) {
    try {
      await withProjectLock(deps.systemPool, deps.clock, project.id, signal, (lock) =>
        runOnce(deps, project, AbortSignal.any([signal, lock])),
      );
      return;
    } catch (error) {
      if (signal.aborted) return;
      deps.log.warn({ projectId: project.id, attempt, error: messageOf(error) }, 'indexing failed');
      if (isLasting(error) || attempt >= maxTries) {
        await fail(deps, project, error);
        return;
      }
      await deps.clock.sleep(backoffMs(retry, attempt), signal);
    }
  }
}

async function runOnce(
  deps: ProjectIndexingDeps,
  project: ProjectRecord,
  signal: AbortSignal,
): Promise<void> {
  const { workspaceId, id, rootPath } = project;
  if (!(await deps.isAllowed(project)))
    throw new DomainError('FORBIDDEN', `${rootPath} is outside the folder of its workspace`);
  const tenancy = { workspaceId };
  const begun = await deps.transaction(tenancy, (sql) => beginIndexing(sql, workspaceId, id));
  if (!begun) return;
  let reportedAt = deps.clock.now();
  const report = (counts: ProjectCounts) =>
    deps.transaction(tenancy, (sql) =>
      change(sql, 'project.indexing', saveProjectProgress(sql, workspaceId, id, counts)),
    );
  const result = await indexProject({
    sql: sqlOfTenant(deps.tenantPool, tenancy),
    workspaceId,
    projectId: id,
    rootPath,
    signal,
    async onProgress(counts) {
      if (deps.clock.now() - reportedAt < progressIntervalMs) return;
      reportedAt = deps.clock.now();
      await report(counts);
    },
    onOperation: (operation) => deps.onOperation?.({ ...operation, workspaceId }),
  });
  await deps.transaction(tenancy, (sql) =>
    change(sql, 'project.ready', finishProjectIndexing(sql, workspaceId, id, result)),
  );
}

/** The row says INDEXING, and so does an event; undefined for an unknown project. */
export function beginIndexing(sql: Sql, workspaceId: string, id: string): Promise<ProjectRecord | undefined> {
  return change(sql, 'project.indexing', startProjectIndexing(sql, workspaceId, id));
}

async function fail(deps: ProjectIndexingDeps, project: ProjectRecord, error: unknown): Promise<void> {
  const failure = { code: failureCode(error), message: messageOf(error) };
  const { workspaceId, id } = project;
  deps.onOperation?.({
    operation: 'index.failed',
    projectId: id,
    path: null,
    detail: failure.message,
    workspaceId,
  });
  try {
    await deps.transaction({ workspaceId }, (sql) =>
      change(sql, 'project.failed', failProjectIndexing(sql, workspaceId, id, failure)),
    );
  } catch (cause) {
    // Still INDEXING in the table: the next start resumes it.
    deps.log.error({ projectId: id, error: messageOf(cause) }, 'indexing failure not recorded');
  }
}

/** The changed row and its event, in one transaction. */
async function change(
  sql: Sql,
  type: string,
  changed: Promise<ProjectRecord | undefined>,
): Promise<ProjectRecord | undefined> {
  const project = await changed;
  if (project) {
    const { workspaceId, id } = project;
    await appendEvents(sql, [{ workspaceId, type, subjectId: id, payload: projectPayload(project) }]);
  }
  return project;
}

function isLasting(error: unknown): boolean {
  if (error instanceof DomainError) return !error.retryable;
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'ELOOP'].includes(systemCode(error));
}

function failureCode(error: unknown): string {
  const code = systemCode(error);
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'NOT_FOUND';
  if (code === 'EACCES' || code === 'EPERM') return 'FORBIDDEN';
  return codeOf(error);
}

function systemCode(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

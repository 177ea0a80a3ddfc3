import { realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, relative, resolve, sep } from 'node:path';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import type { MemoryOperation } from '../engines/data-processing/project-indexer.ts';
import type { Clock } from '../lib/clock.ts';
import { NotFoundError, ValidationError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { appendEvents } from '../stores/event-store.ts';
import { once } from '../stores/idempotency-store.ts';
import {
  findProject,
  findProjectByPath,
  insertProject,
  listIndexingProjects,
  projectPayload,
  type ProjectRecord,
} from '../stores/project-store.ts';
import { sqlOfPool, type Sql } from '../stores/sql.ts';
import { beginIndexing, createProjectIndexing } from './project-indexing.ts';
import { inTransaction } from './transaction.ts';

export interface ContextManagerDeps {
  orm: MikroORM;
  pool: Pool;
  clock: Clock;
  log: Logger;
  /** Folder the server started in: projects are it or folders below it. */
  allowedRoot: string;
  /** After every committed change: there are new events. */
  onChanged?(): void;
  /** For the topic `memory.operation`. */
  onOperation?(operation: MemoryOperation & { workspaceId: string }): void;
}

export interface WorkspaceScope {
  workspaceId: string;
}

export interface RegisterProjectInput {
  name?: string | null | undefined;
  /** Absolute, or relative to the folder the server started in. */
  rootPath: string;
  idempotencyKey?: string | null | undefined;
}

export interface ReindexProjectInput {
  projectId: string;
  idempotencyKey?: string | null | undefined;
}

export interface ContextManager {
  /**
   * Registers a folder and starts indexing it; a folder that is registered already is returned as it is.
   * @throws ValidationError when the folder does not exist, is no folder, or lies outside the allowed root
   */
  registerProject(scope: WorkspaceScope, input: RegisterProjectInput): Promise<ProjectRecord>;
  /** Brings the index up to date in the background. @throws NotFoundError */
  reindexProject(scope: WorkspaceScope, input: ReindexProjectInput): Promise<ProjectRecord>;
  findProject(scope: WorkspaceScope, id: string): Promise<ProjectRecord | undefined>;
  /** The folder the server started in, registered on the first start and brought up to date on each. */
  ensureDefaultProject(scope: WorkspaceScope): Promise<ProjectRecord>;
  /** Goes on with what a server that died was indexing. */
  resumeIndexing(scope: WorkspaceScope): Promise<void>;
  /** Resolves when nothing is being indexed any more. */
  idle(): Promise<void>;
  /** Aborts indexing; the next start goes on. */
  stop(): Promise<void>;
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function createContextManager(deps: ContextManagerDeps): ContextManager {
  const sql = sqlOfPool(deps.pool);
  const transaction = async <T>(work: (sql: Sql) => Promise<T>): Promise<T> => {
    const result = await inTransaction(deps.orm, work);
    deps.onChanged?.();
    return result;
  };
  const root = () => realpath(deps.allowedRoot);
  const indexing = createProjectIndexing({
    ...deps,
    transaction,
    isAllowed: async (path) => isInside(await root(), path),
  });

  const register = async (
    { workspaceId }: WorkspaceScope,
    input: RegisterProjectInput,
  ): Promise<ProjectRecord> => {
    const rootPath = await checkedRoot(input.rootPath, await root());
    const name = checkedName(input.name, rootPath);
    const { idempotencyKey: key, ...rest } = input;
    let created = false;
    const project = await transaction(async (tx) => {
      const { id } = await once(
        tx,
        { workspaceId, operation: 'registerProject', key, input: rest },
        async () => {
          const inserted = await insertProject(tx, { workspaceId, name, rootPath });
          created = inserted !== undefined;
          if (!inserted) return (await findProjectByPath(tx, workspaceId, rootPath))!.id;
          await appendEvents(tx, [
            {
              workspaceId,
              type: 'project.created',
              subjectId: inserted.id,
              payload: projectPayload(inserted),
            },
          ]);
          return inserted.id;
        },
      );
      return (await findProject(tx, workspaceId, id))!;
    });
    if (created) indexing.start(project);
    return project;
  };

  return {
    registerProject: register,
    async reindexProject({ workspaceId }, { projectId, idempotencyKey: key }) {
      if (!uuid.test(projectId)) throw new NotFoundError('Project', projectId);
      let begun = false;
      const project = await transaction(async (tx) => {
        await once(tx, { workspaceId, operation: 'reindexProject', key, input: { projectId } }, async () => {
          if (!(await beginIndexing(tx, workspaceId, projectId)))
            throw new NotFoundError('Project', projectId);
          begun = true;
          return projectId;
        });
        return (await findProject(tx, workspaceId, projectId))!;
      });
      if (begun) indexing.start(project);
      return project;
    },
    async findProject({ workspaceId }, id) {
      return uuid.test(id) ? findProject(sql, workspaceId, id) : undefined;
    },
    async ensureDefaultProject(scope) {
      const project = await register(scope, { rootPath: deps.allowedRoot });
      // A project created just now is being indexed already; starting it again would only do it twice.
      if (!indexing.isRunning(project.id)) indexing.start(project);
      return project;
    },
    async resumeIndexing({ workspaceId }) {
      for (const project of await listIndexingProjects(sql, workspaceId)) {
        if (!indexing.isRunning(project.id)) indexing.start(project);
      }
    },
    idle: () => indexing.idle(),
    stop: () => indexing.stop(),
  };
}

async function checkedRoot(asked: string, allowedRoot: string): Promise<string> {
  const problem = (message: string) =>
    new ValidationError([{ path: 'rootPath', message, value: asked.slice(0, 200) }]);
  if (asked.trim() === '') throw problem('must not be empty');
  if (asked.includes('\0') || asked.length > 4_096) throw problem('is not a path');
  const path = resolve(allowedRoot, asked.trim());
  const real = await realpath(path).catch(() => undefined);
  // Said before whether it exists: what is outside is nobody's business.
  if (!isInside(allowedRoot, path) && (real === undefined || !isInside(allowedRoot, real))) {
    throw problem(
      `${path} is outside ${allowedRoot}, the folder the server started in; start the server in a folder that holds it`,
    );
  }
  if (real === undefined) throw problem(`${path} does not exist`);
  if (!isInside(allowedRoot, real)) {
    throw problem(`${path} leads to ${real}, outside ${allowedRoot}, the folder the server started in`);
  }
  if (!(await stat(real)).isDirectory()) throw problem(`${path} is not a folder`);
  return real;
}

function checkedName(name: string | null | undefined, rootPath: string): string {
  const given = name?.trim();
  if (given !== undefined && (given === '' || given.length > 100)) {
    throw new ValidationError([
      { path: 'name', message: 'must have 1 to 100 characters', value: given.slice(0, 200) },
    ]);
  }
  return given ?? (basename(rootPath).slice(0, 100) || 'project');
}

function isInside(root: string, path: string): boolean {
  const own = relative(root, path);
  return own !== '..' && !own.startsWith(`..${sep}`) && !isAbsolute(own);
}

import { realpath, stat } from 'node:fs/promises';
import { basename, isAbsolute, relative, resolve, sep } from 'node:path';
import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import type { MemoryOperation } from '../engines/data-processing/project-indexer.ts';
import type { Clock } from '../lib/clock.ts';
import { NotFoundError, ValidationError } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { appendEvents } from '../stores/event-store.ts';
import {
  findProject,
  findProjectByPath,
  insertProject,
  listIndexingProjects,
  projectPayload,
  type ProjectRecord,
} from '../stores/project-store.ts';
import { sqlOfPool, type Sql } from '../stores/sql.ts';
import { sqlOfTenant, type Tenancy } from '../stores/tenancy.ts';
import { homeSlug } from '../stores/workspace-store.ts';
import { assertAllowed, auditedChange, type OnDenied } from './authorise.ts';
import { beginIndexing, createProjectIndexing } from './project-indexing.ts';
import { inTransaction, type Scope } from './transaction.ts';

export interface ContextManagerDeps {
  orm: Pick<MikroORM, 'em'>;
  /** Of hive_tenant. */
  tenantPool: Pool;
  /** Of hive_system. */
  systemPool: Pool;
  clock: Clock;
  log: Logger;
  /** Projects of a workspace are its folder or folders below it. */
  folderOf(workspaceId: string): Promise<WorkspaceFolder>;
  /** After every committed change: there are new events. */
  onChanged?(): void;
  /** For the topic `memory.operation`. */
  onOperation?(operation: MemoryOperation & { workspaceId: string }): void;
  onDenied: OnDenied;
}

export interface WorkspaceFolder {
  /** Short name of the workspace. */
  slug: string;
  /** Undefined: none was set up, so it can have no projects. */
  path: string | undefined;
}

export interface RegisterProjectInput {
  name?: string | null | undefined;
  /** Absolute, or relative to the folder of the workspace. */
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
   * @throws ValidationError when the folder does not exist, is no folder, or lies outside the workspace's
   */
  registerProject(scope: Scope, input: RegisterProjectInput): Promise<ProjectRecord>;
  /** Brings the index up to date in the background. @throws NotFoundError */
  reindexProject(scope: Scope, input: ReindexProjectInput): Promise<ProjectRecord>;
  findProject(scope: Tenancy, id: string): Promise<ProjectRecord | undefined>;
  /** The workspace's folder itself, registered on the first start and brought up to date on each. */
  ensureDefaultProject(tenancy: Tenancy): Promise<ProjectRecord>;
  /** Goes on with what a server that died was indexing, in every workspace. */
  resumeIndexing(): Promise<void>;
  /** Resolves when nothing is being indexed any more. */
  idle(): Promise<void>;
  /** Aborts indexing; the next start goes on. */
  stop(): Promise<void>;
}

const subject = { type: 'Project' } as const;
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function createContextManager(deps: ContextManagerDeps): ContextManager {
  const transaction = async <T>(tenancy: Tenancy, work: (sql: Sql) => Promise<T>): Promise<T> => {
    const result = await inTransaction(deps.orm, tenancy, work);
    deps.onChanged?.();
    return result;
  };
  const indexing = createProjectIndexing({
    ...deps,
    transaction,
    isAllowed: async ({ workspaceId, rootPath }) => {
      const { path } = await deps.folderOf(workspaceId);
      return path !== undefined && isInside(await realpath(path), rootPath);
    },
  });

  const projectOf = async (tenancy: Tenancy, id: string): Promise<ProjectRecord> => {
    const project = await findProject(sqlOfTenant(deps.tenantPool, tenancy), tenancy.workspaceId, id);
    if (!project) throw new NotFoundError('Project', id);
    return project;
  };

  return {
    async registerProject(scope, input) {
      // Before looking at the disk: whether a folder exists is nothing for everybody.
      assertAllowed(scope, 'project.register');
      const { workspaceId } = scope;
      const rootPath = await checkedRoot(input.rootPath, await deps.folderOf(workspaceId));
      const name = checkedName(input.name, rootPath);
      const { idempotencyKey, ...rest } = input;
      let created = false;
      const { id } = await auditedChange(
        deps,
        scope,
        { operation: 'registerProject', action: 'project.register', subject, input: rest, idempotencyKey },
        async (sql) => {
          const found = await findOrInsert(sql, { workspaceId, name, rootPath });
          created = found.created;
          return found.id;
        },
      );
      deps.onChanged?.();
      const project = await projectOf(scope, id);
      if (created) indexing.start(project);
      return project;
    },
    async reindexProject(scope, { projectId, idempotencyKey }) {
      const { workspaceId } = scope;
      if (!uuid.test(projectId)) throw new NotFoundError('Project', projectId);
      let begun = false;
      await auditedChange(
        deps,
        scope,
        {
          operation: 'reindexProject',
          action: 'project.reindex',
          resource: { projectId },
          subject,
          input: { projectId },
          idempotencyKey,
        },
        async (sql) => {
          if (!(await beginIndexing(sql, workspaceId, projectId)))
            throw new NotFoundError('Project', projectId);
          begun = true;
          return projectId;
        },
      );
      deps.onChanged?.();
      const project = await projectOf(scope, projectId);
      if (begun) indexing.start(project);
      return project;
    },
    async findProject(scope, id) {
      return uuid.test(id)
        ? findProject(sqlOfTenant(deps.tenantPool, scope), scope.workspaceId, id)
        : undefined;
    },
    async ensureDefaultProject(tenancy) {
      const { workspaceId } = tenancy;
      const rootPath = await checkedRoot('.', await deps.folderOf(workspaceId));
      const name = checkedName(undefined, rootPath);
      const { id } = await transaction(tenancy, (sql) => findOrInsert(sql, { workspaceId, name, rootPath }));
      const project = await projectOf(tenancy, id);
      // A project created just now is being indexed already; starting it again would only do it twice.
      if (!indexing.isRunning(project.id)) indexing.start(project);
      return project;
    },
    async resumeIndexing() {
      for (const project of await listIndexingProjects(sqlOfPool(deps.systemPool))) {
        if (!indexing.isRunning(project.id)) indexing.start(project);
      }
    },
    idle: () => indexing.idle(),
    stop: () => indexing.stop(),
  };
}

/** A folder that is registered already is left as it is. */
async function findOrInsert(
  sql: Sql,
  project: { workspaceId: string; name: string; rootPath: string },
): Promise<{ id: string; created: boolean }> {
  const { workspaceId, rootPath } = project;
  const inserted = await insertProject(sql, project);
  if (!inserted) return { id: (await findProjectByPath(sql, workspaceId, rootPath))!.id, created: false };
  await appendEvents(sql, [
    { workspaceId, type: 'project.created', subjectId: inserted.id, payload: projectPayload(inserted) },
  ]);
  return { id: inserted.id, created: true };
}

async function checkedRoot(asked: string, folder: WorkspaceFolder): Promise<string> {
  const problem = (message: string) =>
    new ValidationError([{ path: 'rootPath', message, value: asked.slice(0, 200) }]);
  if (folder.path === undefined) {
    throw problem(
      `cannot be read: this workspace has no folder. Set HIVE_WORKSPACE_FOLDERS to one for it, ${folder.slug}=/path/to/folder, and restart the server`,
    );
  }
  const allowedRoot = await realpath(folder.path);
  if (asked.trim() === '') throw problem('must not be empty');
  if (asked.includes('\0') || asked.length > 4_096) throw problem('is not a path');
  const path = resolve(allowedRoot, asked.trim());
  const real = await realpath(path).catch(() => undefined);
  // Said before whether it exists: what is outside is nobody's business.
  if (!isInside(allowedRoot, path) && (real === undefined || !isInside(allowedRoot, real))) {
    throw problem(`${path} is outside ${allowedRoot}, the folder of this workspace; ${wider(folder)}`);
  }
  if (real === undefined) throw problem(`${path} does not exist`);
  if (!isInside(allowedRoot, real)) {
    throw problem(`${path} leads to ${real}, outside ${allowedRoot}, the folder of this workspace`);
  }
  if (!(await stat(real)).isDirectory()) throw problem(`${path} is not a folder`);
  return real;
}

/** How to reach more than the workspace's folder. */
function wider({ slug }: WorkspaceFolder): string {
  return slug === homeSlug
    ? 'start the server in a folder that holds it'
    : `HIVE_WORKSPACE_FOLDERS says which folder ${slug} has`;
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

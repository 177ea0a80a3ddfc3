import { z } from 'zod';
import { DomainError, ForbiddenError, InvalidStateError, NotFoundError } from '../lib/errors.ts';
import { appendAudit } from '../stores/audit-store.ts';
import { addMember } from '../stores/member-store.ts';
import { sqlOfPool } from '../stores/sql.ts';
import {
  findWorkspace,
  insertWorkspace,
  renameWorkspace,
  workspacesOfUser,
  type WorkspaceRow,
} from '../stores/workspace-store.ts';
import { auditedChange, auditedSystemChange, originOf } from './authorise.ts';
import { parseInput, plainText } from './input.ts';
import type { SecurityManagerDeps } from './security-manager.ts';
import type { Scope } from './transaction.ts';

const idempotencyKey = z.string().nullish();
const createWorkspaceInput = z.object({
  name: plainText(100),
  slug: z
    .string()
    .regex(
      /^[a-z0-9][a-z0-9-]{0,39}$/,
      'must be 1 to 40 lower-case letters, digits and hyphens, and not begin with a hyphen',
    ),
  idempotencyKey,
});
const updateWorkspaceInput = z.object({ name: plainText(100), idempotencyKey });

export type CreateWorkspaceInput = z.input<typeof createWorkspaceInput>;
export type UpdateWorkspaceInput = z.input<typeof updateWorkspaceInput>;

/**
 * The person behind a scope, for what only somebody with an account can have.
 * @throws InvalidStateError while nobody owns the hive
 */
export function personOf(scope: Scope): string {
  const { userId } = scope.actor;
  if (userId !== undefined) return userId;
  throw new InvalidStateError('The hive has no owner yet. Create your account first.', 'NO_OWNER');
}

/** Managers of members and keys see the whole workspace: a limit to some projects is for what lies in projects. */
export function wholeWorkspace(scope: Scope): Scope {
  return { ...scope, projectIds: undefined };
}

type Deps = Pick<
  SecurityManagerDeps,
  'orm' | 'systemPool' | 'homeWorkspaceId' | 'hasFolder' | 'onDenied' | 'onChanged' | 'onWorkspaceCreated'
>;

export function createWorkspaces(deps: Deps) {
  const systemSql = sqlOfPool(deps.systemPool);
  const workspaceOf = async (id: string): Promise<WorkspaceRow> => {
    const workspace = await findWorkspace(systemSql, id);
    if (!workspace) throw new NotFoundError('Workspace', id);
    return workspace;
  };

  return {
    /** Makes a workspace that the caller owns. @throws DomainError CONFLICT when the short name is taken */
    async createWorkspace(scope: Scope, rawInput: CreateWorkspaceInput): Promise<WorkspaceRow> {
      const { idempotencyKey: key, ...input } = parseInput(createWorkspaceInput, rawInput);
      // Whoever runs the hive set a folder aside for it: what is in there is not for the first who asks.
      if (scope.workspaceId !== deps.homeWorkspaceId && deps.hasFolder(input.slug)) {
        deps.onDenied(scope, 'workspace.create', {}, 'WORKSPACE');
        throw new ForbiddenError(
          'WORKSPACE',
          'workspace.create',
          `HIVE_WORKSPACE_FOLDERS keeps a folder for ${input.slug}: only an owner of the hive's first workspace can create it.`,
        );
      }
      const change = {
        ...{ operation: 'createWorkspace', action: 'workspace.create' as const, input, idempotencyKey: key },
        ...{ subject: { type: 'Workspace' }, detail: { slug: input.slug } },
      };
      const { id } = await auditedSystemChange(deps, scope, change, async (sql) => {
        const userId = personOf(scope);
        const workspaceId = await insertWorkspace(sql, input);
        if (workspaceId === undefined)
          throw new DomainError('CONFLICT', `The short name ${input.slug} is taken. Choose another one.`);
        await addMember(sql, { workspaceId, userId, role: 'OWNER', projectAccess: 'ALL', grants: [] });
        // The new workspace's own trail begins with how it came to be.
        const subject = { subjectType: 'Workspace', subjectId: workspaceId };
        const entry = { ...originOf(scope), workspaceId, ...subject };
        await appendAudit(sql, [{ ...entry, action: 'workspace.create', outcome: 'ALLOWED' }]);
        return workspaceId;
      });
      await deps.onWorkspaceCreated(id);
      deps.onChanged();
      return workspaceOf(id);
    },

    async updateWorkspace(scope: Scope, rawInput: UpdateWorkspaceInput): Promise<WorkspaceRow> {
      const { idempotencyKey: key, ...input } = parseInput(updateWorkspaceInput, rawInput);
      const { workspaceId } = scope;
      const change = {
        ...{ operation: 'updateWorkspace', action: 'workspace.update' as const, input, idempotencyKey: key },
        // Not the name, which may be somebody's: it is in the workspace for as long as it holds.
        ...{ subject: { type: 'Workspace' }, detail: { fields: ['name'] } },
      };
      await auditedChange(deps, wholeWorkspace(scope), change, async (sql) => {
        if (!(await renameWorkspace(sql, workspaceId, input.name)))
          throw new NotFoundError('Workspace', workspaceId);
        return workspaceId;
      });
      deps.onChanged();
      return workspaceOf(workspaceId);
    },

    /** Where a person is a member, by name. For the viewer's own switcher: pass nobody else's id. */
    workspacesOf: (userId: string) => workspacesOfUser(systemSql, userId),

    /** That of the scope. */
    workspace: (scope: Scope): Promise<WorkspaceRow> => workspaceOf(scope.workspaceId),
  };
}

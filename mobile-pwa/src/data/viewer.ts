import { textOf } from './text-of.ts';

export type ViewerRole = 'OWNER' | 'ADMIN' | 'OPERATOR' | 'VIEWER';

/** One line of the server's table of rules, as it stands for the person. */
export interface Permission {
  action: string;
  allowed: boolean;
  /** The only projects it may be done in; null: there is no such limit. */
  projectIds: string[] | null;
  reason: string | null;
  message: string | null;
}

export interface Membership {
  workspaceId: string;
  name: string;
  slug: string;
  role: ViewerRole;
}

/** Who the app is used by, where, and what they may do there. Plain data: it is kept for the next start. */
export interface Viewer {
  workspaceId: string;
  workspaceName: string;
  /** LOCAL: whoever is at the machine of a hive that has no owner yet. */
  actorKind: string;
  role: ViewerRole;
  person: { id: string; name: string; email: string | null } | null;
  hasOwner: boolean;
  steppedUpUntil: string | null;
  permissions: Permission[];
  workspaces: Membership[];
}

const ROLES = ['OWNER', 'ADMIN', 'OPERATOR', 'VIEWER'];

/** @returns undefined for what is no viewer: kept by another version of the app, or answered by another server */
export function parseViewer(value: unknown): Viewer | undefined {
  const viewer = asRecord(value);
  if (!viewer || typeof viewer['workspaceId'] !== 'string' || !isRole(viewer['role'])) return undefined;
  const person = asRecord(viewer['person']);
  return {
    workspaceId: viewer['workspaceId'],
    workspaceName: textOf(viewer['workspaceName'], ''),
    actorKind: textOf(viewer['actorKind'], ''),
    role: viewer['role'],
    person: person
      ? {
          id: textOf(person['id'], ''),
          name: textOf(person['name'], ''),
          email: textOrNull(person['email']),
        }
      : null,
    hasOwner: viewer['hasOwner'] === true,
    steppedUpUntil: textOrNull(viewer['steppedUpUntil']),
    permissions: asRecords(viewer['permissions']).map((permission) => ({
      action: textOf(permission['action'], ''),
      allowed: permission['allowed'] === true,
      projectIds: Array.isArray(permission['projectIds'])
        ? permission['projectIds'].filter((id) => typeof id === 'string')
        : null,
      reason: textOrNull(permission['reason']),
      message: textOrNull(permission['message']),
    })),
    workspaces: asRecords(viewer['workspaces']).flatMap(({ workspaceId, name, slug, role }) =>
      isRole(role)
        ? [{ workspaceId: textOf(workspaceId, ''), name: textOf(name, ''), slug: textOf(slug, ''), role }]
        : [],
    ),
  };
}

export interface Allowance {
  allowed: boolean;
  /** Allowed, once the person has confirmed with a passkey or a one-time password; see `withStepUp`. */
  needsStepUp: boolean;
  /** Why not, as the server says it; null when it is allowed. */
  reason: string | null;
  message: string | null;
}

/**
 * Whether the person may take an action somewhere in the workspace, or in one project of it. What is not known yet counts
 * as allowed: the server decides in any case, and a button that appears late is worse than an answer that says no.
 * @param projectId null: what belongs to no project; undefined: anywhere
 */
export function allowanceOf(
  viewer: Viewer | undefined,
  action: string,
  projectId?: string | null,
): Allowance {
  const permission = viewer?.permissions.find((each) => each.action === action);
  const { projectIds } = permission ?? { projectIds: null };
  if (projectIds && projectId !== undefined && !projectIds.includes(projectId ?? '')) {
    const message =
      projectId === null
        ? 'You may do this only in single projects, and this belongs to none.'
        : 'Your role in this project does not allow it. Ask an owner or admin of the workspace.';
    return { allowed: false, needsStepUp: false, reason: 'PROJECT', message };
  }
  if (!permission || permission.allowed)
    return { allowed: true, needsStepUp: false, reason: null, message: null };
  const { reason, message } = permission;
  // Refused for nothing else: the server looks at this last.
  if (reason === 'STEP_UP') return { allowed: true, needsStepUp: true, reason: null, message: null };
  return { allowed: false, needsStepUp: false, reason, message };
}

export function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
}

export function asRecords(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) return [];
  return value.map(asRecord).filter((record) => record !== undefined);
}

export function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function isRole(value: unknown): value is ViewerRole {
  return typeof value === 'string' && ROLES.includes(value);
}

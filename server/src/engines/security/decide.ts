import { higherRole, isAtLeast, type Actor, type Resource, type Role } from './actor.ts';
import { actions, rules, type Action, type Rule } from './rules.ts';
import { isInScope } from './scopes.ts';

/** How long a passkey or one-time password used counts as just used. */
export const stepUpMs = 5 * 60_000;

export const refusalReasons = [
  'WORKSPACE',
  'PROJECT',
  'ROLE',
  'RANK',
  'SCOPE',
  'PEOPLE_ONLY',
  'STEP_UP',
] as const;
export type RefusalReason = (typeof refusalReasons)[number];

export type Decision = { allowed: true } | { allowed: false; reason: RefusalReason; message: string };

const yes: Decision = { allowed: true };

/**
 * Whether the actor may do this to that. Pure: everything it knows is in its arguments and in the table of rules.
 * STEP_UP is answered only when nothing else forbids it: whoever steps up then will not be refused for another reason.
 */
export function decide(actor: Actor, action: Action, resource: Resource): Decision {
  const rule: Rule = rules[action];
  if (resource.workspaceId !== actor.workspaceId) return no('WORKSPACE', 'It belongs to another workspace.');
  const isProgram = actor.kind === 'API_KEY' || actor.kind === 'SERVICE';
  const needsStepUp = asksForStepUp(rule, resource);
  // A program has nothing to step up with: telling it to would send it in circles.
  if (isProgram && (rule.peopleOnly || needsStepUp))
    return no('PEOPLE_ONLY', `Only a person who is signed in may do this (${action}).`);
  if (actor.scopes && !isInScope(actor.scopes, action))
    return no('SCOPE', `The key has no scope for this; it needs ${action}.`);
  const isOwn = rule.own === true && resource.ownerId !== undefined && resource.ownerId === actor.userId;
  if (!isOwn) {
    const role = roleFor(actor, rule, resource);
    if (role === undefined) return no('PROJECT', 'Your access is limited to projects this is not part of.');
    if (!isAtLeast(role, rule.least))
      return no(
        'ROLE',
        `This needs the role ${rule.least}; yours is ${role}. Ask an owner or admin of the workspace.`,
      );
    const outranked = rule.ranked && outranks(resource, role);
    if (outranked) return no('RANK', outranked);
  }
  if (needsStepUp && !hasSteppedUp(actor))
    return no('STEP_UP', 'Confirm with your passkey or a one-time code first; it counts for five minutes.');
  return yes;
}

export interface Permission {
  action: Action;
  decision: Decision;
  /** The only projects that allow it, and then nothing that belongs to none does; absent where no project limits it. */
  projectIds?: string[];
}

/**
 * Every action, decided for the workspace as a whole: what an app shows, explains or leaves out. The project, rank or owner of a
 * single thing can still change the answer for it; what is one's own may be allowed where this says ROLE.
 */
export function effectivePermissions(actor: Actor): Permission[] {
  const resource = { workspaceId: actor.workspaceId };
  return actions.map((action) => {
    const decision = decide(actor, action, resource);
    const projectIds = decision.allowed ? projectsAllowing(actor, action) : undefined;
    return { action, decision, ...(projectIds ? { projectIds } : {}) };
  });
}

function projectsAllowing(actor: Actor, action: Action): string[] | undefined {
  const { workspaceId, projects, grants } = actor;
  const allows = (projectId: string | null) => decide(actor, action, { workspaceId, projectId }).allowed;
  if (!('inProject' in rules[action]) || allows(null)) return undefined;
  const known = projects === 'ALL' ? grants : projects;
  return [...(known?.keys() ?? [])].filter(allows);
}

/** Undefined: the actor has no place where this is. */
function roleFor(actor: Actor, rule: Rule, { projectId }: Resource): Role | undefined {
  const { role, projects, grants } = actor;
  if (projects === 'ALL') {
    if (!rule.inProject || projectId === null) return role;
    if (projectId === undefined) return highest(grants, role);
    return higherRole(role, grants?.get(projectId));
  }
  // Limited to some projects: outside them, a viewer of what belongs to no project by nature, such as agents.
  if (!rule.inProject) return 'VIEWER';
  if (projectId === null) return undefined;
  return projectId === undefined ? highest(projects) : projects.get(projectId);
}

function highest(grants: ReadonlyMap<string, Role> | undefined, role?: Role): Role | undefined {
  let best = role;
  for (const granted of grants?.values() ?? []) best = higherRole(best, granted);
  return best;
}

function outranks({ memberRole, grantedRole }: Resource, role: Role): string | undefined {
  if (role === 'OWNER') return undefined;
  if (memberRole !== undefined && isAtLeast(memberRole, role))
    return `As ${role} you can change only members below you; this one is ${memberRole}.`;
  if (grantedRole !== undefined && !isAtLeast(role, grantedRole))
    return `As ${role} you cannot give the role ${grantedRole}.`;
  return undefined;
}

function asksForStepUp(rule: Rule, resource: Resource): boolean {
  return typeof rule.stepUp === 'function' ? rule.stepUp(resource) : rule.stepUp === true;
}

/** Whoever is at the machine of a hive without an owner has nothing to step up with, and the files at hand anyway. */
function hasSteppedUp(actor: Actor): boolean {
  if (actor.kind === 'LOCAL') return true;
  return (
    actor.steppedUpAt !== undefined &&
    actor.at - actor.steppedUpAt < stepUpMs &&
    actor.steppedUpAt <= actor.at
  );
}

function no(reason: RefusalReason, message: string): Decision {
  return { allowed: false, reason, message };
}

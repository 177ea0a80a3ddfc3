import type { Actor, Resource } from '../engines/security/actor.ts';
import { decide, type Decision } from '../engines/security/decide.ts';
import type { Principal } from '../engines/security/principal.ts';
import { rules, type Action, type Rule } from '../engines/security/rules.ts';
import { ForbiddenError } from '../lib/errors.ts';
import type { Context, Scope } from './context.ts';
import type { NodeType } from './ids.ts';

/** What reading an object of a type is; the same whichever way an operation comes to it. */
export const readActions: Readonly<Record<NodeType | 'Person', Action>> = {
  Person: 'member.read',
  Goal: 'goal.read',
  WorkflowRun: 'goal.read',
  Task: 'task.read',
  Agent: 'agent.read',
  Crew: 'agent.read',
  Project: 'project.read',
};

/**
 * The answer in the actor's most favourable place: some project, or what is their own. When this refuses, everything does;
 * when it allows, whoever knows the resource still decides.
 */
export function decideAnywhere(actor: Actor, action: Action): Decision {
  const rule: Rule = rules[action];
  const own = rule.own && actor.userId !== undefined ? { ownerId: actor.userId } : {};
  return decide(actor, action, { workspaceId: actor.workspaceId, ...own });
}

/** Whether the actor may do this to something in the workspace of the request. */
export function mayIn(scope: Scope, action: Action, resource: Omit<Resource, 'workspaceId'> = {}): boolean {
  return decide(scope.actor, action, { workspaceId: scope.workspaceId, ...resource }).allowed;
}

/**
 * Refuses what the actor may do nowhere, and puts that on record.
 * @param options.mayStepUp leaves asking for a passkey to the manager, which knows whether the resource calls for one
 * @throws ForbiddenError
 */
export function assertAnywhere(
  { deps, scope }: Context,
  action: Action,
  options: { mayStepUp?: boolean } = {},
): void {
  const decision = decideAnywhere(scope.actor, action);
  if (decision.allowed || (options.mayStepUp && decision.reason === 'STEP_UP')) return;
  deps.onDenied(scope, action, {}, decision.reason);
  throw new ForbiddenError(decision.reason, action, decision.message);
}

/** Actions that a key was refused inside operations; a list of a hundred rows is one attempt, and so is a subscription. */
const refusedInside = new WeakMap<Principal, Set<Action>>();

/**
 * For what an operation reaches from somewhere else: only the scopes of a key can forbid a type altogether. Which objects of
 * it there are is for row-level security.
 * @throws ForbiddenError
 */
export function assertInScope({ deps, scope, principal }: Context, action: Action): void {
  if (scope.actor.scopes === undefined) return;
  const decision = decideAnywhere(scope.actor, action);
  if (decision.allowed || decision.reason !== 'SCOPE') return;
  const refused = refusedInside.get(principal) ?? new Set();
  if (!refused.has(action)) deps.onDenied(scope, action, {}, decision.reason);
  refusedInside.set(principal, refused.add(action));
  throw new ForbiddenError(decision.reason, action, decision.message);
}

/** Whether what belongs to a project, or to none, is in the actor's sight. Row-level security says the same. */
export function seesProject({ actor }: Scope, projectId: string | null | undefined): boolean {
  return actor.projects === 'ALL' || (typeof projectId === 'string' && actor.projects.has(projectId));
}

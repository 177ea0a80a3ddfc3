import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import type { Agent } from '../entities/agent.ts';
import type { Goal } from '../entities/goal.ts';
import type { Task } from '../entities/task.ts';
import type { HealthSource } from '../engines/monitoring/health.ts';
import type { Authenticator, Principal } from '../engines/security/principal.ts';
import type { Json } from '../lib/json.ts';
import type { Logger } from '../lib/log.ts';
import type { OnDenied } from '../managers/authorise.ts';
import type { Scope } from '../managers/transaction.ts';
import { forkForTenant, type Tenancy } from '../stores/tenancy.ts';
import { createLoaders, type Loaders } from './loaders.ts';
import type { ProviderStatus } from './provider-status.ts';
import type { AuditManagerApi, SecretsManagerApi, SecurityManagerApi } from './security-api.ts';

export type { Scope };

export interface Repeatable {
  idempotencyKey?: string;
}

interface OrchestratorApi {
  createTask(
    scope: Scope,
    input: Repeatable & {
      title: string;
      instruction: string;
      projectId?: string;
      capabilities: string[];
      priority?: number;
      runAt?: Date;
      maxAttempts?: number;
      backoff?: { initialSeconds: number; factor: number; maxSeconds: number };
      timeoutMs?: number;
    },
  ): Promise<Task>;
  dispatchGoal(
    scope: Scope,
    input: Repeatable & { text: string; projectId?: string; crewId?: string; autoStart?: boolean },
  ): Promise<Goal>;
}

interface PlanNodeInput {
  id: string;
  title: string;
  instruction: string;
  capabilities: string[];
  dependsOn: string[];
  risk: 'LOW' | 'MEDIUM' | 'HIGH';
}

interface TaskManagerApi {
  acceptPlan(scope: Scope, input: Repeatable & { goalId: string }): Promise<Goal>;
  editPlan(scope: Scope, input: Repeatable & { goalId: string; nodes: PlanNodeInput[] }): Promise<Goal>;
  cancelGoal(scope: Scope, input: Repeatable & { goalId: string; reason?: string }): Promise<Goal>;
  cancelTask(scope: Scope, input: Repeatable & { taskId: string; reason?: string }): Promise<Task>;
  retryTask(scope: Scope, input: Repeatable & { taskId: string }): Promise<Task>;
  resolveStep(
    scope: Scope,
    input: Repeatable & { taskId: string; stepId: string; decision: 'REPEAT' | 'FAIL' },
  ): Promise<Task>;
}

interface ResourceManagerApi {
  registerAgent(
    scope: Scope,
    input: Repeatable & {
      name: string;
      role: string;
      kind: 'LLM' | 'EXTRACTIVE' | 'ACP' | 'REMOTE';
      capabilities: string[];
      instructions?: string;
      maxConcurrency?: number;
      crewId?: string;
    },
  ): Promise<Agent>;
  updateAgent(
    scope: Scope,
    input: Repeatable & {
      agentId: string;
      name?: string;
      instructions?: string;
      capabilities?: string[];
      maxConcurrency?: number;
      /** Null takes the agent out of its crew. */
      crewId?: string | null;
    },
  ): Promise<Agent>;
  pauseAgent(scope: Scope, input: Repeatable & { agentId: string }): Promise<Agent>;
  resumeAgent(scope: Scope, input: Repeatable & { agentId: string }): Promise<Agent>;
  retireAgent(scope: Scope, input: Repeatable & { agentId: string }): Promise<Agent>;
}

interface ContextManagerApi {
  registerProject(
    scope: Scope,
    input: Repeatable & { name?: string; rootPath: string },
  ): Promise<{ id: string }>;
  reindexProject(scope: Scope, input: Repeatable & { projectId: string }): Promise<{ id: string }>;
}

export interface LogEvent {
  cursor: string;
  type: string;
  subjectType: 'Goal' | 'Task' | 'Agent' | 'Project' | 'WorkflowRun' | null;
  subjectId: string;
  goalId: string | null;
  payload: Json;
  /** ISO 8601. */
  at: string;
}

export interface EventWhere {
  types?: string[];
  subjectId?: string;
  goalId?: string;
}

export interface OutputDelta {
  taskId: string;
  attempt: number;
  offset: number;
  text: string;
  done: boolean;
  cursor: string;
}

export interface HubApi {
  events(
    query: Tenancy & { after?: string; where?: EventWhere },
    signal: AbortSignal,
  ): AsyncIterable<LogEvent>;
  readEvents(query: Tenancy & { limit: number; after?: string; where?: EventWhere }): Promise<LogEvent[]>;
  latestCursor(): Promise<string>;
  output(
    query: Tenancy & { taskId: string; after?: string },
    signal: AbortSignal,
  ): AsyncIterable<OutputDelta>;
  topic(name: 'memory.operation' | 'system.health', signal: AbortSignal): AsyncIterable<unknown>;
}

/** In days; null: for ever. */
export interface Retention {
  eventDays: number | null;
  auditDays: number | null;
  addressDays: number;
  sessionDays: number;
}

/** Everything the API calls. Built in app.ts. */
export interface GraphQLDeps {
  orm: Pick<MikroORM, 'em'>;
  log: Logger;
  authenticator: Pick<Authenticator, 'hasOwner'>;
  orchestrator: OrchestratorApi;
  taskManager: TaskManagerApi;
  resourceManager: ResourceManagerApi;
  contextManager: ContextManagerApi;
  securityManager: SecurityManagerApi;
  auditManager: AuditManagerApi;
  secretsManager: SecretsManagerApi;
  hub: HubApi;
  gateway: { status(): readonly ProviderStatus[]; readonly languageModelConnected: boolean };
  health: HealthSource;
  /** The first workspace: that of whoever runs the hive. */
  homeWorkspaceId: string;
  /** Asked each time, as it may be reconfigured. */
  retention(): Retention;
  /** Puts an attempt that was refused before it came to a manager on record. */
  onDenied: OnDenied;
}

/** What a transport knows of an operation. */
export interface RequestFacts {
  /** Its `actor` may be replaced while a socket is open: each event is answered for the one of that moment. */
  principal: Principal;
  requestId: string;
  /** Of the peer, behind trusted proxies that of the client. */
  address?: string | undefined;
  userAgent?: string | undefined;
  /** Where the client reaches the hive, for links: `https://hive.example.org`. */
  baseUrl?: string | undefined;
  /** Ends with the subscription; never for queries. */
  signal?: AbortSignal | undefined;
}

/** One a request; one an event in a subscription, since loaders must not remember across events. */
export interface Context {
  deps: GraphQLDeps;
  principal: Principal;
  scope: Scope;
  requestId: string;
  signal: AbortSignal;
  /** Those of one tenancy: they live no longer than the context and are shared with no other. */
  loaders: Loaders;
  /** A fresh entity manager, which sees the rows of the scope only. */
  em(): EntityManager;
}

const never = new AbortController().signal;

export function createContext(deps: GraphQLDeps, request: RequestFacts): Context {
  const scope = scopeOf(request);
  const em = () => forkForTenant(deps.orm, scope);
  return {
    deps,
    principal: request.principal,
    scope,
    requestId: request.requestId,
    signal: request.signal ?? never,
    em,
    loaders: createLoaders({ deps, scope, em }),
  };
}

function scopeOf({ principal, requestId, address, userAgent, baseUrl }: RequestFacts): Scope {
  // The principal may be older than the operation, and whether somebody has just stepped up is a question of now.
  const actor = { ...principal.actor, at: Date.now() };
  return {
    workspaceId: actor.workspaceId,
    ...(actor.projects === 'ALL' ? {} : { projectIds: [...actor.projects.keys()] }),
    actor,
    request: {
      id: requestId,
      ...(address === undefined ? {} : { address }),
      ...(userAgent === undefined ? {} : { userAgent }),
      ...(baseUrl === undefined ? {} : { baseUrl }),
    },
  };
}

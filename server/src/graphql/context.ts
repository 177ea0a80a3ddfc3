import { randomUUID } from 'node:crypto';
import type { EntityManager, MikroORM } from '@mikro-orm/postgresql';
import type { Agent } from '../entities/agent.ts';
import type { Goal } from '../entities/goal.ts';
import type { Task } from '../entities/task.ts';
import type { HealthSource } from '../engines/monitoring/health.ts';
import type { Json } from '../lib/json.ts';
import type { Logger } from '../lib/log.ts';
import type { ProviderStatus } from './provider-status.ts';
import { createLoaders, type Loaders } from './loaders.ts';

/** Whose data a caller sees and changes. */
export interface Scope {
  workspaceId: string;
}

interface Repeatable {
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
    query: { workspaceId: string; after?: string; where?: EventWhere },
    signal: AbortSignal,
  ): AsyncIterable<LogEvent>;
  readEvents(query: {
    workspaceId: string;
    limit: number;
    after?: string;
    where?: EventWhere;
  }): Promise<LogEvent[]>;
  latestCursor(): Promise<string>;
  output(
    query: { workspaceId: string; taskId: string; after?: string },
    signal: AbortSignal,
  ): AsyncIterable<OutputDelta>;
  topic(name: 'memory.operation' | 'system.health', signal: AbortSignal): AsyncIterable<unknown>;
}

/** Everything the API calls. Built in app.ts. */
export interface GraphQLDeps {
  orm: Pick<MikroORM, 'em'>;
  log: Logger;
  workspace: { id: string; name: string };
  orchestrator: OrchestratorApi;
  taskManager: TaskManagerApi;
  resourceManager: ResourceManagerApi;
  contextManager: ContextManagerApi;
  hub: HubApi;
  gateway: { status(): readonly ProviderStatus[]; readonly languageModelConnected: boolean };
  health: HealthSource;
}

/** One a request; one an event in a subscription, since loaders must not remember across events. */
export interface Context {
  deps: GraphQLDeps;
  scope: Scope;
  requestId: string;
  /** Ends with the subscription; never for queries. */
  signal: AbortSignal;
  loaders: Loaders;
  /** A fresh entity manager. */
  em(): EntityManager;
}

const never = new AbortController().signal;

export function createContext(
  deps: GraphQLDeps,
  requestId: string = randomUUID(),
  signal: AbortSignal = never,
): Context {
  const scope = { workspaceId: deps.workspace.id };
  const em = () => deps.orm.em.fork() as EntityManager;
  return {
    deps,
    scope,
    requestId,
    signal,
    em,
    loaders: createLoaders({ em, workspaceId: scope.workspaceId }),
  };
}

import type { MikroORM } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { agentKinds, type Agent } from '../entities/agent.ts';
import { capabilitiesSchema } from '../engines/workflow/graph.ts';
import { InvalidStateError, NotFoundError, ValidationError } from '../lib/errors.ts';
import {
  beatBuiltInAgents,
  insertAgent,
  recordAttempts,
  refreshAgentStatuses,
  setAgentStatus,
  updateAgent,
  type AttemptTally,
} from '../stores/agent-store.ts';
import { findAgents } from '../stores/agent-reads.ts';
import { once } from '../stores/idempotency-store.ts';
import { assertInWorkspace } from '../stores/reference-check.ts';
import type { Sql } from '../stores/sql.ts';
import { parseInput, plainText } from './input.ts';
import { starterCrew } from './starter-crew.ts';
import { inTransaction, type Scope } from './transaction.ts';

const instructions = z
  .string()
  .max(20_000)
  .refine((text) => !text.includes('\0'), 'must not contain NUL');
const registerAgentInput = z.object({
  name: plainText(100),
  role: plainText(100),
  kind: z
    .enum(agentKinds)
    .refine(
      (kind) => kind === 'LLM' || kind === 'EXTRACTIVE',
      'must be LLM or EXTRACTIVE: agents of other kinds cannot connect yet',
    ),
  capabilities: capabilitiesSchema.min(1, 'must name at least one capability'),
  instructions: instructions.nullish(),
  maxConcurrency: z.int().min(1).max(10_000).nullish(),
  crewId: z.uuid().nullish(),
  idempotencyKey: z.string().nullish(),
});
const updateAgentInput = z.object({
  agentId: z.uuid(),
  name: plainText(100).nullish(),
  instructions: instructions.nullish(),
  capabilities: capabilitiesSchema.min(1, 'must name at least one capability').nullish(),
  maxConcurrency: z.int().min(1).max(10_000).nullish(),
  crewId: z.uuid().nullish(),
  idempotencyKey: z.string().nullish(),
});

export type RegisterAgentInput = z.input<typeof registerAgentInput>;
export type UpdateAgentInput = z.input<typeof updateAgentInput>;
interface AgentAction {
  agentId: string;
  idempotencyKey?: string | null | undefined;
}

export interface ResourceManagerDeps {
  orm: MikroORM;
  /** An agent without a heartbeat for longer counts as OFFLINE, ms; asked each time, as it may be reconfigured. */
  offlineAfterMs(): number;
  /** The circuit breaker of each agent: consecutive failed attempts that open it, and for how long. */
  breaker: { failures: number; cooldownMs: number };
  /** Called after the commit of a change that wrote events and may have made room for tasks. */
  onChanged(): void;
}

export type ResourceManager = ReturnType<typeof createResourceManager>;

/** Owns agents and crews: registration, what people decide about them, their records and breakers. */
export function createResourceManager(deps: ResourceManagerDeps) {
  const { orm } = deps;

  async function change(
    scope: Scope,
    operation: string,
    input: { idempotencyKey?: string | null | undefined },
    effect: (sql: Sql) => Promise<string>,
  ): Promise<Agent> {
    const { idempotencyKey, ...rest } = input;
    const { id } = await inTransaction(orm, (sql) =>
      once(sql, { workspaceId: scope.workspaceId, operation, key: idempotencyKey, input: rest }, () =>
        effect(sql),
      ),
    );
    deps.onChanged();
    const [agent] = await findAgents(orm.em.fork(), scope.workspaceId, [id]);
    if (!agent) throw new NotFoundError('Agent', id);
    return agent;
  }

  /** Moves an agent where a person wants it; being there already is a success. */
  function decide(
    operation: string,
    verb: string,
    from: readonly Agent['status'][],
    to: 'PAUSED' | 'IDLE' | 'RETIRED',
  ) {
    return (scope: Scope, input: AgentAction) =>
      change(scope, operation, input, async (sql) => {
        const { workspaceId } = scope;
        const { agentId } = input;
        if (await setAgentStatus(sql, { workspaceId, agentId, from, to })) return agentId;
        const status = await assertInWorkspace(sql, 'agent', workspaceId, agentId);
        if (status === to || (to === 'IDLE' && status === 'BUSY')) return agentId;
        throw new InvalidStateError(`You cannot ${verb} an agent that is ${status}.`, status);
      });
  }

  return {
    async registerAgent(scope: Scope, rawInput: RegisterAgentInput): Promise<Agent> {
      const input = parseInput(registerAgentInput, rawInput);
      return change(scope, 'registerAgent', input, async (sql) => {
        if (input.crewId) await assertInWorkspace(sql, 'crew', scope.workspaceId, input.crewId);
        const id = await insertAgent(sql, {
          ...input,
          workspaceId: scope.workspaceId,
          crewId: input.crewId ?? null,
          instructions: input.instructions ?? '',
          maxConcurrency: input.maxConcurrency ?? 2,
        });
        if (!id) throw nameTaken(input.name);
        return id;
      });
    },

    async updateAgent(scope: Scope, rawInput: UpdateAgentInput): Promise<Agent> {
      const input = parseInput(updateAgentInput, rawInput);
      return change(scope, 'updateAgent', input, async (sql) => {
        const { workspaceId } = scope;
        if (input.crewId) await assertInWorkspace(sql, 'crew', workspaceId, input.crewId);
        if (input.name && (await nameBelongsToAnother(sql, workspaceId, input.name, input.agentId)))
          throw nameTaken(input.name);
        if (await updateAgent(sql, workspaceId, input.agentId, input)) return input.agentId;
        const status = await assertInWorkspace(sql, 'agent', workspaceId, input.agentId);
        throw new InvalidStateError(`You cannot change an agent that is ${status}.`, status);
      });
    },

    /** It takes no further task; what it runs goes on. */
    pauseAgent: decide('pauseAgent', 'pause', ['OFFLINE', 'IDLE', 'BUSY', 'ERROR'], 'PAUSED'),
    resumeAgent: decide('resumeAgent', 'resume', ['PAUSED'], 'IDLE'),
    /** For good; what it runs goes on to its end. */
    retireAgent: decide('retireAgent', 'retire', ['OFFLINE', 'IDLE', 'BUSY', 'PAUSED', 'ERROR'], 'RETIRED'),

    /** Creates the starter crew in a workspace that never had an agent. */
    async ensureStarterCrew(workspaceId: string): Promise<void> {
      await inTransaction(orm, async (sql) => {
        await sql.rows(`select id from workspace where id = $1 for update`, [workspaceId]);
        const [any] = await sql.rows(`select 1 from agent where workspace_id = $1 limit 1`, [workspaceId]);
        if (any) return;
        const [crew] = await sql.rows<{ id: string }>(
          `insert into crew (workspace_id, name, description) values ($1, $2, $3)
          on conflict (workspace_id, name) do update set description = excluded.description returning id`,
          [workspaceId, starterCrew.name, starterCrew.description],
        );
        for (const agent of starterCrew.agents)
          await insertAgent(sql, { ...agent, workspaceId, crewId: crew!.id });
      });
    },

    /** One beat of the health loop. */
    async beat(): Promise<void> {
      await inTransaction(orm, beatBuiltInAgents);
      await this.refresh();
    },

    /** Brings the shown statuses up to date after work was taken or ended. */
    async refresh(): Promise<void> {
      const changed = await inTransaction(orm, (sql) => refreshAgentStatuses(sql, deps.offlineAfterMs()));
      if (changed > 0) deps.onChanged();
    },

    async recordAttempts(tallies: readonly AttemptTally[]): Promise<void> {
      if (tallies.length === 0) return;
      await inTransaction(orm, (sql) => recordAttempts(sql, tallies, deps.breaker));
    },
  };
}

async function nameBelongsToAnother(
  sql: Sql,
  workspaceId: string,
  name: string,
  agentId: string,
): Promise<boolean> {
  const rows = await sql.rows(
    `/* agentNameTaken */ select 1 from agent where workspace_id = $1 and name = $2 and id <> $3 and status <> 'RETIRED'`,
    [workspaceId, name, agentId],
  );
  return rows.length > 0;
}

function nameTaken(name: string): ValidationError {
  return new ValidationError([
    { path: 'name', message: 'is the name of another agent; choose a different one', value: name },
  ]);
}

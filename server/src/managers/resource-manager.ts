import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
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
import type { Json } from '../lib/json.ts';
import { findAgents } from '../stores/agent-reads.ts';
import { assertInWorkspace } from '../stores/reference-check.ts';
import type { Sql } from '../stores/sql.ts';
import { forkForTenant, type Tenancy } from '../stores/tenancy.ts';
import { auditedChange, type AuditedChange, type OnDenied } from './authorise.ts';
import { parseInput, plainText } from './input.ts';
import { starterCrew } from './starter-crew.ts';
import { inSystemTransaction, inTransaction, type Scope } from './transaction.ts';

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
  orm: Pick<MikroORM, 'em'>;
  /** As hive_system: agents of every workspace are kept up to date together. */
  systemPool: Pool;
  /** An agent without a heartbeat for longer counts as OFFLINE, ms; asked each time, as it may be reconfigured. */
  offlineAfterMs(): number;
  /** The circuit breaker of each agent: consecutive failed attempts that open it, and for how long. */
  breaker: { failures: number; cooldownMs: number };
  /** Called after the commit of a change that wrote events and may have made room for tasks. */
  onChanged(): void;
  onDenied: OnDenied;
}

export type ResourceManager = ReturnType<typeof createResourceManager>;

/** Owns agents and crews: registration, what people decide about them, their records and breakers. */
export function createResourceManager(deps: ResourceManagerDeps) {
  const { orm, systemPool } = deps;

  async function change(
    scope: Scope,
    kind: Omit<AuditedChange, 'input' | 'idempotencyKey' | 'subject'>,
    input: { agentId?: string; idempotencyKey?: string | null | undefined },
    effect: (sql: Sql) => Promise<string>,
  ): Promise<Agent> {
    const { idempotencyKey, ...rest } = input;
    const subject = { type: 'Agent', ...(input.agentId === undefined ? {} : { id: input.agentId }) };
    const { id } = await auditedChange(
      deps,
      scope,
      { ...kind, subject, input: rest, idempotencyKey },
      effect,
    );
    deps.onChanged();
    const [agent] = await findAgents(forkForTenant(orm, scope), scope.workspaceId, [id]);
    if (!agent) throw new NotFoundError('Agent', id);
    return agent;
  }

  /** Moves an agent where a person wants it; being there already is a success. */
  function move(
    operation: string,
    verb: string,
    from: readonly Agent['status'][],
    to: 'PAUSED' | 'IDLE' | 'RETIRED',
  ) {
    return (scope: Scope, input: AgentAction) => {
      const { workspaceId } = scope;
      const { agentId } = input;
      const kind =
        to === 'RETIRED'
          ? {
              operation,
              action: 'agent.retire' as const,
              resource: async (sql: Sql) => ({
                hasWorkInHand: await hasWorkInHand(sql, workspaceId, agentId),
              }),
            }
          : { operation, action: 'agent.operate' as const };
      return change(scope, kind, input, async (sql) => {
        if (await setAgentStatus(sql, { workspaceId, agentId, from, to })) return agentId;
        const status = await assertInWorkspace(sql, 'agent', workspaceId, agentId);
        if (status === to || (to === 'IDLE' && status === 'BUSY')) return agentId;
        throw new InvalidStateError(`You cannot ${verb} an agent that is ${status}.`, status);
      });
    };
  }

  return {
    async registerAgent(scope: Scope, rawInput: RegisterAgentInput): Promise<Agent> {
      const input = parseInput(registerAgentInput, rawInput);
      const what = { operation: 'registerAgent', action: 'agent.manage' as const, detail: detailOf(input) };
      return change(scope, what, input, async (sql) => {
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
      const what = { operation: 'updateAgent', action: 'agent.manage' as const, detail: detailOf(input) };
      return change(scope, what, input, async (sql) => {
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
    pauseAgent: move('pauseAgent', 'pause', ['OFFLINE', 'IDLE', 'BUSY', 'ERROR'], 'PAUSED'),
    resumeAgent: move('resumeAgent', 'resume', ['PAUSED'], 'IDLE'),
    /** For good; what it runs goes on to its end. */
    retireAgent: move('retireAgent', 'retire', ['OFFLINE', 'IDLE', 'BUSY', 'PAUSED', 'ERROR'], 'RETIRED'),

    /** Creates the starter crew in a workspace that never had an agent. */
    async ensureStarterCrew(tenancy: Tenancy): Promise<void> {
      const { workspaceId } = tenancy;
      await inTransaction(orm, tenancy, async (sql) => {
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
      await inSystemTransaction(systemPool, beatBuiltInAgents);
      await this.refresh();
    },

    /** Brings the shown statuses up to date after work was taken or ended. */
    async refresh(): Promise<void> {
      const changed = await inSystemTransaction(systemPool, (sql) =>
        refreshAgentStatuses(sql, deps.offlineAfterMs()),
      );
      if (changed > 0) deps.onChanged();
    },

    async recordAttempts(tallies: readonly AttemptTally[]): Promise<void> {
      if (tallies.length === 0) return;
      await inSystemTransaction(systemPool, (sql) => recordAttempts(sql, tallies, deps.breaker));
    },
  };
}

const notInDetail: ReadonlySet<string> = new Set(['agentId', 'idempotencyKey']);
const typed: ReadonlySet<string> = new Set(['name', 'role', 'instructions']);

/** What the audit trail keeps: which fields were given, and their values but for texts, which may name somebody. */
function detailOf(input: Readonly<Record<string, Json | undefined>>): Json {
  const given = Object.entries(input).filter(
    (entry): entry is [string, Json] => entry[1] !== undefined && !notInDetail.has(entry[0]),
  );
  const facts = Object.fromEntries(given.filter(([name]) => !typed.has(name)));
  return { fields: given.map(([name]) => name).toSorted(), ...facts };
}

async function hasWorkInHand(sql: Sql, workspaceId: string, agentId: string): Promise<boolean> {
  const rows = await sql.rows(
    `/* agentHasWork */ select 1 from task where workspace_id = $1 and agent_id = $2 and status = 'RUNNING' limit 1`,
    [workspaceId, agentId],
  );
  return rows.length > 0;
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

import type { Agent } from '../../entities/agent.ts';
import { NotFoundError } from '../../lib/errors.ts';
import { countAgents, findAgents, listAgents } from '../../stores/agent-reads.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { changeErrors, createErrors, expectFailures } from '../errors.ts';
import { followSubjects } from '../follow.ts';
import { decodeId, decodeOptionalId, encodeId } from '../ids.ts';
import { given } from '../input.ts';
import { maxPageSize } from '../limits.ts';
import { pageCost, parsePage, toConnection } from '../pages.ts';
import { AgentType } from './agent-ref.ts';
import { CrewType } from './crew.ts';
import { AgentKindType, AgentStatusType, BreakerStateType } from './enums.ts';
import { NodeInterface } from './node.ts';
import { TaskType } from './task-ref.ts';

const BreakerType = builder.objectRef<Agent>('Breaker').implement({
  description: 'Keeps work from an agent that keeps failing.',
  fields: (t) => ({
    state: t.field({ type: BreakerStateType, resolve: (agent) => agent.breakerState }),
    consecutiveFailures: t.int({ resolve: (agent) => agent.breakerFailures }),
    openedAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: (agent) => agent.breakerOpenedAt ?? null,
    }),
    retryAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it lets one task through to try.',
      resolve: (agent) => agent.breakerRetryAt ?? null,
    }),
  }),
});

AgentType.implement({
  description: 'A worker of the hive.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: (agent) => encodeId('Agent', agent.id) }),
    name: t.exposeString('name'),
    role: t.exposeString('role'),
    kind: t.field({ type: AgentKindType, resolve: (agent) => agent.kind }),
    status: t.field({ type: AgentStatusType, resolve: (agent) => agent.status }),
    instructions: t.exposeString('instructions'),
    capabilities: t.exposeStringList('capabilities', {
      description: 'It gets tasks that require no more than these.',
    }),
    maxConcurrency: t.exposeInt('maxConcurrency', { description: 'Most tasks it runs at once.' }),
    crew: t.field({
      type: CrewType,
      nullable: true,
      resolve: async (agent, _, { loaders }) =>
        agent.crewId ? ((await loaders.crew.load(agent.crewId)) ?? null) : null,
    }),
    activeTasks: t.field({
      type: [TaskType],
      description: 'Tasks it is running now.',
      resolve: (agent, _, { loaders }) => loaders.activeTasksOfAgent.load(agent.id),
    }),
    activeTaskCount: t.int({
      resolve: async (agent, _, { loaders }) => (await loaders.activeTasksOfAgent.load(agent.id)).length,
    }),
    breaker: t.field({ type: BreakerType, resolve: (agent) => agent }),
    succeededCount: t.exposeInt('succeededCount'),
    failedCount: t.exposeInt('failedCount'),
    averageLatencyMs: t.float({
      nullable: true,
      description: 'Moving average of task duration; null before the first.',
      // p.double() reads as a number; the type allows the text of a bigint, too.
      resolve: (agent) =>
        agent.averageLatencyMs === null || agent.averageLatencyMs === undefined
          ? null
          : Number(agent.averageLatencyMs),
    }),
    lastHeartbeatAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: (agent) => agent.lastHeartbeatAt ?? null,
    }),
    version: t.exposeInt('version', { description: 'Grows with every change: a smaller one is older.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
});

const AgentFilterInput = builder.inputType('AgentFilter', {
  description: 'All given conditions hold.',
  fields: (t) => ({ status: t.field({ type: [AgentStatusType] }), crewId: t.id() }),
});

builder.queryFields((t) => ({
  agent: t.field({
    type: AgentType,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: async (_, args, { loaders }) =>
      (await loaders.agent.load(decodeId('Agent', args.id, 'id'))) ?? null,
  }),
  agents: t.field({
    type: builder.connectionObject(
      {
        type: AgentType,
        name: 'QueryAgentsConnection',
        fields: (c) => ({
          totalCount: c.int({ resolve: (page) => (page as unknown as { count(): Promise<number> }).count() }),
        }),
      },
      { name: 'QueryAgentsConnectionEdge' },
    ),
    description: 'Newest first.',
    args: { ...t.arg.connectionArgs(), where: t.arg({ type: AgentFilterInput }) },
    complexity: pageCost,
    resolve: async (_, args, { em, scope }) => {
      const where = {
        status: args.where?.status ?? undefined,
        crewId: decodeOptionalId('Crew', args.where?.crewId, 'where.crewId'),
      };
      const page = await listAgents(em(), scope.workspaceId, parsePage(args), where);
      return toConnection(page, () => countAgents(em(), scope.workspaceId, where));
    },
  }),
}));

const RegisterAgentInput = builder.inputType('RegisterAgentInput', {
  fields: (t) => ({
    name: t.string({ required: true, description: 'Unique among agents that are not retired.' }),
    role: t.string({ required: true }),
    kind: t.field({ type: AgentKindType, required: true }),
    capabilities: t.stringList({ required: true }),
    instructions: t.string({ defaultValue: '' }),
    maxConcurrency: t.int({ defaultValue: 2 }),
    crewId: t.id(),
    idempotencyKey: t.string(),
  }),
});
const UpdateAgentInput = builder.inputType('UpdateAgentInput', {
  description: 'What is absent stays as it is; `crewId: null` takes the agent out of its crew.',
  fields: (t) => ({
    agentId: t.id({ required: true }),
    name: t.string(),
    instructions: t.string(),
    capabilities: t.stringList(),
    maxConcurrency: t.int(),
    crewId: t.id(),
    idempotencyKey: t.string(),
  }),
});
const AgentActionInput = builder.inputType('AgentActionInput', {
  fields: (t) => ({ agentId: t.id({ required: true }), idempotencyKey: t.string() }),
});

builder.mutationFields((t) => {
  const action = (name: 'pauseAgent' | 'resumeAgent' | 'retireAgent', union: string, description: string) =>
    t.field({
      type: AgentType,
      description,
      errors: { types: changeErrors, union: { name: union } },
      args: { input: t.arg({ type: AgentActionInput, required: true }) },
      resolve: (_, { input }, { deps, scope }: Context) =>
        expectFailures(input, async () => {
          const agentId = decodeId('Agent', input.agentId, 'agentId');
          return deps.resourceManager[name](scope, given({ agentId, idempotencyKey: input.idempotencyKey }));
        }),
    });
  return {
    registerAgent: t.field({
      type: AgentType,
      description: 'Adds an agent to the hive.',
      errors: { types: createErrors, union: { name: 'RegisterAgentResult' } },
      args: { input: t.arg({ type: RegisterAgentInput, required: true }) },
      resolve: (_, { input }, { deps, scope }) =>
        expectFailures(input, async () => {
          const crewId = decodeOptionalId('Crew', input.crewId, 'crewId');
          return deps.resourceManager.registerAgent(scope, given({ ...input, crewId }));
        }),
    }),
    updateAgent: t.field({
      type: AgentType,
      description: 'Changes an agent; tasks it runs go on as they were started.',
      errors: { types: changeErrors, union: { name: 'UpdateAgentResult' } },
      args: { input: t.arg({ type: UpdateAgentInput, required: true }) },
      resolve: (_, { input }, { deps, scope }) =>
        expectFailures(input, async () => {
          const agentId = decodeId('Agent', input.agentId, 'agentId');
          const crewId = decodeOptionalId('Crew', input.crewId, 'crewId');
          const leaveCrew = input.crewId === null ? { crewId: null } : {};
          return deps.resourceManager.updateAgent(scope, {
            ...given({ ...input, agentId, crewId }),
            ...leaveCrew,
          });
        }),
    }),
    pauseAgent: action('pauseAgent', 'PauseAgentResult', 'The agent gets no new tasks; those it runs go on.'),
    resumeAgent: action('resumeAgent', 'ResumeAgentResult', 'The agent gets tasks again.'),
    retireAgent: action(
      'retireAgent',
      'RetireAgentResult',
      'Takes the agent out of the hive for good; its name is free again.',
    ),
  };
});

builder.subscriptionField('agentStatus', (t) =>
  t.field({
    type: AgentType,
    description: 'The agent now, then after each of its changes. Without `agentId`: every agent.',
    args: { agentId: t.arg.id() },
    subscribe: async (_, args, { deps, scope, signal, em }) => {
      const agentId = decodeOptionalId('Agent', args.agentId, 'agentId');
      const { workspaceId } = scope;
      const read = async (id: string) => (await findAgents(em(), workspaceId, [id]))[0];
      if (agentId !== undefined && !(await read(agentId))) throw new NotFoundError('Agent', agentId);
      const initial =
        agentId === undefined
          ? (await listAgents(em(), workspaceId, { limit: maxPageSize, backward: false }, {})).rows.map(
              ({ id }) => id,
            )
          : [agentId];
      const where = agentId === undefined ? { types: ['agent.*'] } : { subjectId: agentId };
      return followSubjects({
        hub: deps.hub,
        workspaceId,
        where,
        initial,
        subjectOf: (event) => event.subjectId,
        read,
        signal,
      });
    },
    resolve: (agent) => agent,
  }),
);

import type { Agent } from '../../entities/agent.ts';
import { NotFoundError } from '../../lib/errors.ts';
import { countAgents, findAgents, listAgents } from '../../stores/agent-reads.ts';
import { mayIn } from '../authorise.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { changeErrors, createErrors, expectFailures } from '../errors.ts';
import { followSubjects } from '../follow.ts';
import { decodeId, decodeOptionalId, encodeId } from '../ids.ts';
import { given, idempotencyKeyField } from '../input.ts';
import { maxPageSize } from '../limits.ts';
import { pageCost, parsePage, toConnection, totalCountDescription } from '../pages.ts';
import { AgentType } from './agent-ref.ts';
import { CrewType } from './crew.ts';
import { AgentKindType, AgentStatusType, BreakerStateType } from './enums.ts';
import { NodeInterface } from './node.ts';
import { TaskType } from './task-ref.ts';

const BreakerType = builder.objectRef<Agent>('Breaker').implement({
  description: 'Keeps work from an agent that keeps failing.',
  fields: (t) => ({
    state: t.field({
      type: BreakerStateType,
      description: 'Whether the agent may get tasks as far as its failures go.',
      resolve: (agent) => agent.breakerState,
    }),
    consecutiveFailures: t.int({
      description:
        'Failed attempts since the last success; at HIVE_LLM_BREAKER_FAILURES (5 by default) the breaker opens.',
      resolve: (agent) => agent.breakerFailures,
    }),
    openedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it opened last; null while it is CLOSED.',
      resolve: (agent) => agent.breakerOpenedAt ?? null,
    }),
    retryAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it lets one task through to try; null while it is CLOSED.',
      resolve: (agent) => agent.breakerRetryAt ?? null,
    }),
  }),
});

AgentType.implement({
  description: 'A worker of the hive.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ description: 'Global id, `Agent:uuid`.', resolve: (agent) => encodeId('Agent', agent.id) }),
    name: t.exposeString('name', {
      description: 'Unique among the agents that are not retired, 1 to 100 characters.',
    }),
    role: t.exposeString('role', {
      description: 'What it does in its crew, in a word or two, for example `researcher`.',
    }),
    kind: t.field({ type: AgentKindType, description: 'What runs it.', resolve: (agent) => agent.kind }),
    status: t.field({
      type: AgentStatusType,
      description: 'What it is doing, or why it gets no tasks.',
      resolve: (agent) => agent.status,
    }),
    instructions: t.string({
      description:
        'Standing orders that a language model gets with every task; empty for none, and for viewers, who may not read them.',
      resolve: (agent, _, { scope }) => (mayIn(scope, 'agent.readInstructions') ? agent.instructions : ''),
    }),
    capabilities: t.exposeStringList('capabilities', {
      description:
        'What it can do, for example `research`: it gets only tasks that require no more than these.',
    }),
    maxConcurrency: t.exposeInt('maxConcurrency', {
      description: 'Most tasks it runs at once, on all servers together; 1 to 10,000.',
    }),
    crew: t.field({
      type: CrewType,
      nullable: true,
      description: 'The crew it belongs to; null for none.',
      resolve: async (agent, _, { loaders }) =>
        agent.crewId ? ((await loaders.crew.load(agent.crewId)) ?? null) : null,
    }),
    activeTasks: t.field({
      type: [TaskType],
      description: 'Tasks it is running now, on all servers; oldest first.',
      resolve: (agent, _, { loaders }) => loaders.activeTasksOfAgent.load(agent.id),
    }),
    activeTaskCount: t.int({
      description: 'How many tasks it is running now, on all servers.',
      resolve: async (agent, _, { loaders }) => (await loaders.activeTasksOfAgent.load(agent.id)).length,
    }),
    breaker: t.field({ type: BreakerType, description: 'Its circuit breaker.', resolve: (agent) => agent }),
    succeededCount: t.exposeInt('succeededCount', {
      description: 'Attempts that succeeded, since it was registered.',
    }),
    failedCount: t.exposeInt('failedCount', {
      description:
        'Attempts that failed, since it was registered; lost, released and canceled ones are not counted.',
    }),
    averageLatencyMs: t.float({
      nullable: true,
      description: 'Moving average of how long its attempts take, in ms; null before the first one ended.',
      // p.double() reads as a number; the type allows the text of a bigint, too.
      resolve: (agent) =>
        agent.averageLatencyMs === null || agent.averageLatencyMs === undefined
          ? null
          : Number(agent.averageLatencyMs),
    }),
    lastHeartbeatAt: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'When it was last known to be alive: for LLM and EXTRACTIVE, when a server last was; null before the first sign of life.',
      resolve: (agent) => agent.lastHeartbeatAt ?? null,
    }),
    version: t.exposeInt('version', { description: 'Grows with every change: a smaller one is older.' }),
    createdAt: t.expose('createdAt', { description: 'When it was registered.', type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', {
      type: 'DateTime',
      description: 'When anything but its heartbeat last changed.',
    }),
  }),
});

const AgentFilterInput = builder.inputType('AgentFilter', {
  description: 'All given conditions hold.',
  fields: (t) => ({
    status: t.field({
      type: [AgentStatusType],
      description: 'Only those in one of these statuses; any when absent.',
    }),
    crewId: t.id({ description: 'Only agents of this crew.' }),
  }),
});

builder.queryFields((t) => ({
  agent: t.field({
    type: AgentType,
    description: 'An agent by its global id, retired or not; null when there is none.',
    nullable: true,
    args: { id: t.arg.id({ required: true, description: 'Global id of an agent.' }) },
    resolve: async (_, args, { loaders }) =>
      (await loaders.agent.load(decodeId('Agent', args.id, 'id'))) ?? null,
  }),
  agents: t.field({
    type: builder.connectionObject(
      {
        type: AgentType,
        name: 'QueryAgentsConnection',
        fields: (c) => ({
          totalCount: c.int({
            description: totalCountDescription,
            resolve: (page) => (page as unknown as { count(): Promise<number> }).count(),
          }),
        }),
      },
      { name: 'QueryAgentsConnectionEdge' },
    ),
    description: 'Agents, retired ones included; newest first.',
    args: {
      ...t.arg.connectionArgs(),
      where: t.arg({ type: AgentFilterInput, description: 'Which agents; all when absent.' }),
    },
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
  description: 'A new agent.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'Unique among agents that are not retired; 1 to 100 characters.',
    }),
    role: t.string({
      required: true,
      description: 'What it does in its crew, in a word or two; 1 to 100 characters.',
    }),
    kind: t.field({
      type: AgentKindType,
      required: true,
      description: 'LLM or EXTRACTIVE: agents of the other kinds cannot connect yet.',
    }),
    capabilities: t.stringList({
      required: true,
      description:
        'What it can do: 1 to 20 words of lower-case letters, digits and hyphens, at most 40 characters each.',
    }),
    instructions: t.string({
      defaultValue: '',
      description: 'Standing orders for a language model, up to 20,000 characters.',
    }),
    maxConcurrency: t.int({ defaultValue: 2, description: 'Most tasks it runs at once, 1 to 10,000.' }),
    crewId: t.id({ description: 'The crew it joins; none when absent.' }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const UpdateAgentInput = builder.inputType('UpdateAgentInput', {
  description: 'What is absent stays as it is; `crewId: null` takes the agent out of its crew.',
  fields: (t) => ({
    agentId: t.id({ required: true, description: 'The agent to change; not a retired one.' }),
    name: t.string({ description: 'Unique among agents that are not retired; 1 to 100 characters.' }),
    instructions: t.string({ description: 'Standing orders for a language model, up to 20,000 characters.' }),
    capabilities: t.stringList({
      description:
        'All it can do from now on: 1 to 20 words of lower-case letters, digits and hyphens, at most 40 characters each.',
    }),
    maxConcurrency: t.int({
      description: 'Most tasks it runs at once, 1 to 10,000; more that are running go on.',
    }),
    crewId: t.id({ description: 'The crew it moves to.' }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const AgentActionInput = builder.inputType('AgentActionInput', {
  description: 'Which agent to pause, resume or retire.',
  fields: (t) => ({
    agentId: t.id({
      required: true,
      description: 'The agent; one that is already as asked stays so, which is a success.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});

builder.mutationFields((t) => {
  const action = (name: 'pauseAgent' | 'resumeAgent' | 'retireAgent', union: string, description: string) =>
    t.field({
      type: AgentType,
      description,
      errors: { types: changeErrors, union: { name: union } },
      args: { input: t.arg({ type: AgentActionInput, required: true, description: 'Which agent.' }) },
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
      args: { input: t.arg({ type: RegisterAgentInput, required: true, description: 'The new agent.' }) },
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
      args: { input: t.arg({ type: UpdateAgentInput, required: true, description: 'What to change.' }) },
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
    description:
      'The agent now, then after each event about it. Without `agentId`: the 100 newest agents, then every one that an event is about.',
    args: {
      agentId: t.arg.id({
        description: 'The agent to watch, refused with NOT_FOUND when there is none; all when absent.',
      }),
    },
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

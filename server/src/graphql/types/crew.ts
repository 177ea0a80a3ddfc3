import type { Crew } from '../../entities/crew.ts';
import { listCrews } from '../../stores/agent-reads.ts';
import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';
import { pageCost, parsePage, toConnection } from '../pages.ts';
import { AgentType } from './agent-ref.ts';
import { NodeInterface } from './node.ts';

export const CrewType = builder.objectRef<Crew>('Crew').implement({
  description: 'A named group of agents that works together.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: (crew) => encodeId('Crew', crew.id) }),
    name: t.exposeString('name'),
    description: t.exposeString('description'),
    agents: t.field({
      type: [AgentType],
      description: 'Without retired ones.',
      resolve: (crew, _, { loaders }) => loaders.agentsOfCrew.load(crew.id),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

builder.queryField('crews', (t) =>
  t.field({
    type: builder.connectionObject(
      { type: CrewType, name: 'QueryCrewsConnection' },
      { name: 'QueryCrewsConnectionEdge' },
    ),
    description: 'Newest first.',
    args: t.arg.connectionArgs(),
    complexity: pageCost,
    resolve: async (_, args, { em, scope }) =>
      toConnection(await listCrews(em(), scope.workspaceId, parsePage(args))),
  }),
);

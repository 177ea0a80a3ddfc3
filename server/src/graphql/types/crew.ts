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
    id: t.id({ description: 'Global id, `Crew:uuid`.', resolve: (crew) => encodeId('Crew', crew.id) }),
    name: t.exposeString('name', { description: 'Unique in the workspace, 1 to 100 characters.' }),
    description: t.exposeString('description', {
      description: 'What the crew is good for, for people; may be empty.',
    }),
    agents: t.field({
      type: [AgentType],
      description: 'Its agents, oldest first, without retired ones.',
      resolve: (crew, _, { loaders }) => loaders.agentsOfCrew.load(crew.id),
    }),
    createdAt: t.expose('createdAt', { description: 'When it was created.', type: 'DateTime' }),
  }),
});

builder.queryField('crews', (t) =>
  t.field({
    type: builder.connectionObject(
      { type: CrewType, name: 'QueryCrewsConnection' },
      { name: 'QueryCrewsConnectionEdge' },
    ),
    description: 'Crews, newest first.',
    args: t.arg.connectionArgs(),
    complexity: pageCost,
    resolve: async (_, args, { em, scope }) =>
      toConnection(await listCrews(em(), scope.workspaceId, parsePage(args))),
  }),
);

import { createServer } from 'node:http';
import {
  GraphQLInt,
  GraphQLList,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLScalarType,
  GraphQLSchema,
  GraphQLString,
} from 'graphql';
import { createYoga } from 'graphql-yoga';

/**
 * What Yoga alone can do: the same two queries with the same shape of answer, resolved from constants. Prints its port.
 */
const required = (type: GraphQLScalarType) => ({
  type: new GraphQLNonNull(type),
});
const crew = new GraphQLObjectType({
  name: 'Crew',
  fields: { id: required(GraphQLString), name: required(GraphQLString) },
});
const agent = new GraphQLObjectType({
  name: 'Agent',
  fields: {
    ...{ id: required(GraphQLString), name: required(GraphQLString), status: required(GraphQLString) },
    activeTaskCount: required(GraphQLInt),
    crew: { type: crew },
  },
});
const edge = new GraphQLObjectType({
  name: 'AgentEdge',
  fields: { node: { type: new GraphQLNonNull(agent) } },
});
const connection = new GraphQLObjectType({
  name: 'AgentConnection',
  fields: { edges: { type: new GraphQLNonNull(new GraphQLList(new GraphQLNonNull(edge))) } },
});
const health = new GraphQLObjectType({ name: 'Health', fields: { status: required(GraphQLString) } });

const agents = Array.from({ length: 20 }, (_, index) => ({
  ...{ id: `QWdlbnQ6${index}`, name: `worker ${index}`, status: 'IDLE', activeTaskCount: 0 },
  crew: { id: 'Q3JldzoxMjM', name: 'Starter crew' },
}));
const schema = new GraphQLSchema({
  query: new GraphQLObjectType({
    name: 'Query',
    fields: {
      health: { type: new GraphQLNonNull(health), resolve: () => ({ status: 'ok' }) },
      agents: {
        type: new GraphQLNonNull(connection),
        args: { first: { type: GraphQLInt } },
        // Awaited like a read, so that resolving is as asynchronous as ours.
        resolve: async (_root, { first }: { first?: number }) => ({
          edges: agents.slice(0, first).map((node) => ({ node })),
        }),
      },
    },
  }),
});

const yoga = createYoga({ schema, logging: false });
const server = createServer((request, response) => void yoga(request, response));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address && typeof address === 'object') process.send?.(address.port);
});
process.on('disconnect', () => process.exit(0));

import type { Exchange } from '@urql/core';
import { cacheExchange } from '@urql/exchange-graphcache';
import { makeDefaultStorage } from '@urql/exchange-graphcache/default-storage';
import { healthQuery } from '@hive/schema/operations/health.ts';

/** Types that are a part of their parent and have no identity of their own. */
const EMBEDDED = [
  'Plan',
  'PlanNode',
  'Progress',
  'Failure',
  'Breaker',
  'Citation',
  'PartialOutput',
  'Health',
  'HealthCheck',
  'ModelProvider',
  'Viewer',
  'Event',
  'OutputDelta',
  'FieldError',
  'PageInfo',
  'QueryGoalsConnection',
  'QueryGoalsConnectionEdge',
  'QueryTasksConnection',
  'QueryTasksConnectionEdge',
  'QueryAgentsConnection',
  'QueryAgentsConnectionEdge',
  'QueryProjectsConnection',
  'QueryProjectsConnectionEdge',
  'ValidationError',
  'NotFoundError',
  'InvalidStateError',
  'IdempotencyConflictError',
  'UnavailableError',
];

const ERRORS = [
  'ValidationError',
  'NotFoundError',
  'InvalidStateError',
  'IdempotencyConflictError',
  'UnavailableError',
];

/** The normalised cache, kept in IndexedDB so that the app opens with content before, and without, the network. */
export function createCache(onHydrated: () => void): Exchange {
  return cacheExchange({
    keys: Object.fromEntries(EMBEDDED.map((typename) => [typename, () => null])),
    possibleTypes: { Node: ['Goal', 'Task', 'Agent', 'Project', 'WorkflowRun', 'Crew'], Error: ERRORS },
    resolvers: {
      Query: {
        // A row tapped in a list opens with what the list knew, while the rest is on its way.
        goal: (_parent, args) => ({ __typename: 'Goal', id: args['id'] as string }),
        task: (_parent, args) => ({ __typename: 'Task', id: args['id'] as string }),
        agent: (_parent, args) => ({ __typename: 'Agent', id: args['id'] as string }),
      },
    },
    updates: {
      Subscription: {
        systemHealth: (result, _args, cache) => {
          cache.updateQuery({ query: healthQuery }, (data) =>
            data ? { ...data, health: (result as { systemHealth: typeof data.health }).systemHealth } : data,
          );
        },
      },
    },
    storage: makeDefaultStorage({ idbName: 'hive-graphcache', maxAge: 30, onCacheHydrated: onHydrated }),
  });
}

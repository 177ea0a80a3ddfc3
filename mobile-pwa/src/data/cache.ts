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
  'Permission',
  'ProjectGrant',
  'AuditState',
  'Retention',
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
  'QueryMembersConnection',
  'QueryMembersConnectionEdge',
  'QueryApiKeysConnection',
  'QueryApiKeysConnectionEdge',
  'QueryAuditEntriesConnection',
  'QueryAuditEntriesConnectionEdge',
  // Answers that name what is gone.
  'RemovedMember',
  'RevokedInvitation',
  'DeletedSecret',
  'ForbiddenError',
  'ValidationError',
  'NotFoundError',
  'InvalidStateError',
  'IdempotencyConflictError',
  'UnavailableError',
];

const ERRORS = [
  'ForbiddenError',
  'ValidationError',
  'NotFoundError',
  'InvalidStateError',
  'IdempotencyConflictError',
  'UnavailableError',
];

interface CacheOptions {
  /** The IndexedDB database it is kept in: one for each person and workspace. */
  name: string;
  /** Throws away what an earlier visit left there. */
  empty: boolean;
  onHydrated: () => void;
}

/** The normalised cache, kept in IndexedDB so that the app opens with content before, and without, the network. */
export function createCache({ name, empty, onHydrated }: CacheOptions): Exchange {
  const storage = makeDefaultStorage({ idbName: name, maxAge: 30, onCacheHydrated: onHydrated });
  // Begun before the exchange reads: transactions on the same stores run in the order they were made.
  if (empty) void storage.clear().catch(() => undefined);
  return cacheExchange({
    keys: {
      ...Object.fromEntries(EMBEDDED.map((typename) => [typename, () => null])),
      WorkspaceMembership: ({ workspaceId }) => workspaceId as string,
      Secret: ({ name }) => name as string,
    },
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
    storage,
  });
}

import { initGraphQLTada } from 'gql.tada';
import type { introspection } from '../introspection.d.ts';

/**
 * Typed documents of the hive's API. Fragments are not masked: the app and the tests read results as plain data.
 */
export const graphql = initGraphQLTada<{
  introspection: introspection;
  disableMasking: true;
  scalars: { ID: string; DateTime: string; JSON: unknown; SafeInt: number };
}>();

export type { FragmentOf, ResultOf, VariablesOf } from 'gql.tada';

import SchemaBuilder from '@pothos/core';
import ComplexityPlugin from '@pothos/plugin-complexity';
import ErrorsPlugin from '@pothos/plugin-errors';
import RelayPlugin from '@pothos/plugin-relay';
import type { Json } from '../lib/json.ts';
import { authorisePlugin } from './authorise-plugin.ts';
import type { Context } from './context.ts';
import { costLimit, describeCost } from './limits.ts';
import { pageArgDescriptions } from './pages.ts';

export const builder = new SchemaBuilder<{
  Context: Context;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date | string };
    JSON: { Input: Json; Output: Json };
    SafeInt: { Input: number; Output: number };
  };
}>({
  // From the outside in: what is refused by `authorise` goes into the union of a mutation.
  plugins: [ComplexityPlugin, ErrorsPlugin, RelayPlugin, authorisePlugin],
  defaultFieldNullability: false,
  complexity: {
    limit: { complexity: costLimit },
    complexityError: (_kind, result) => describeCost(result.complexity),
    // Lists outside connections are short: steps, attempts, dependencies.
    defaultListMultiplier: 5,
  },
  errors: {
    directResult: true,
    defaultUnionOptions: {
      description:
        'What was changed, as it is afterwards, or the expected failure that kept it from changing.',
    },
  },
  relay: {
    cursorType: 'String',
    // Our own, so that a malformed id is an error that names the field.
    nodeQueryOptions: false,
    nodesQueryOptions: false,
    nodeTypeOptions: { description: 'Anything with a global id, readable as `Type:uuid`.' },
    pageInfoTypeOptions: { description: 'Where a page lies in its list.' },
    hasNextPageFieldOptions: { description: 'Whether rows follow this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether rows precede this page.' },
    startCursorFieldOptions: { description: 'Cursor of the first row; null when the page is empty.' },
    endCursorFieldOptions: {
      description: 'Cursor of the last row, for `after` of the next page; null when the page is empty.',
    },
    defaultConnectionTypeOptions: { description: 'One page of a list.' },
    defaultEdgeTypeOptions: { description: 'One row of a page.' },
    pageInfoFieldOptions: { description: 'Whether there is more on either side of the page.' },
    edgesFieldOptions: {
      nullable: { list: false, items: false },
      description: 'Rows of the page, in the order of the list.',
    },
    nodeFieldOptions: { nullable: false, description: 'What the row is about.' },
    cursorFieldOptions: {
      description:
        'Opaque place of the row in its list, for `after` and `before`; stays valid when rows are added.',
    },
    idFieldOptions: { description: 'Global id, `Type:uuid`; `node` finds the object by it.' },
    firstArgOptions: { description: pageArgDescriptions.first },
    afterArgOptions: { description: pageArgDescriptions.after },
    lastArgOptions: { description: pageArgDescriptions.last },
    beforeArgOptions: { description: pageArgDescriptions.before },
  },
});

builder.queryType({
  description: 'Reads. Lists are pages of at most 100, newest first unless it says otherwise.',
});
builder.mutationType({
  description:
    'Changes. Each is durable before it is answered, and takes an idempotency key: the same key and input again returns the same result.',
});
builder.subscriptionType({ description: 'Live values. Those with `after` resume without gap or repeat.' });

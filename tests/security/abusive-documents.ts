const times = (count: number, make: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => make(index));

/** Field by field down the schema, where it leads back to itself. */
const nested = (depth: number) =>
  `{ goals { edges { node { ${'run { goal { '.repeat(depth / 2)} id ${'} }'.repeat(depth / 2)} } } } }`;

/** Documents that cost the sender nothing. Each asks for data, so that one that came to be executed would be noticed. */
export const abusiveDocuments: Readonly<Record<string, string>> = {
  'a depth of 1,000': nested(1_000),
  'a depth of 200': nested(200),
  'a depth of 1,000 by inline fragments': `{ goals { ${'... { '.repeat(900)} edges { cursor } ${'}'.repeat(900)} } }`,
  '10,000 aliases': `{ ${times(10_000, (index) => `a${index}: latestEventCursor`).join(' ')} }`,
  '600 aliases, within the tokens': `{ ${times(600, (index) => `a${index}: latestEventCursor`).join(' ')} }`,
  'one field 10,000 times': `{ ${'latestEventCursor '.repeat(10_000)} }`,
  'one field 1,900 times': `{ ${'latestEventCursor '.repeat(1_900)} }`,
  'a fragment of itself': '{ ...A } fragment A on Query { goals { edges { cursor } } ...A }',
  'a cycle of 50 fragments': `{ ...F0 } ${times(50, (index) => `fragment F${index} on Query { goals { edges { cursor } } ...F${(index + 1) % 50} }`).join(' ')}`,
  'a cycle below a field':
    '{ goals { edges { node { ...G } } } } fragment G on Goal { run { goal { ...G } } }',
  '2 to the 40 fields by doubling fragments': `{ ...F0 } ${times(40, (index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`).join(' ')} fragment F40 on Query { goals { edges { cursor } } }`,
  '1,000 fragments': `{ goals { edges { cursor } } } ${times(1_000, (index) => `fragment F${index} on Query { latestEventCursor }`).join(' ')}`,
  '1,000 operations': times(1_000, (index) => `query Q${index} { latestEventCursor }`).join(' '),
  '5,000 directives': `{ goals { edges { cursor ${'@include(if: true) '.repeat(5_000)} } } }`,
  '300 directives, within the tokens': `{ goals { edges { cursor ${'@include(if: true) '.repeat(300)} } } }`,
  '1,000 unknown directives': `{ goals { edges { cursor ${'@x '.repeat(900)} } } }`,
  'a megabyte of comment and too many fields': `{ #${'x'.repeat(900_000)}\n ${'latestEventCursor '.repeat(2_500)} }`,
  'lists in lists, 100 by 100 by 100':
    '{ goals(first: 100) { edges { node { tasks(first: 100) { edges { node { steps { id } dependsOn { dependsOn { id } } } } } } } } }',
  'an argument 1,900 levels deep': `{ nodes(ids: ${'['.repeat(900)}"x"${']'.repeat(900)}) { id } }`,
  'introspection in introspection': `{ goals { edges { cursor } } __schema { types { ${'fields { type { '.repeat(60)} name ${'} }'.repeat(60)} } } }`,
  'fields that conflict pairwise': `{ goals { ${times(500, (index) => `... on QueryGoalsConnection { x: totalCount } ... { y${index % 5}: totalCount }`).join(' ')} } }`,
};

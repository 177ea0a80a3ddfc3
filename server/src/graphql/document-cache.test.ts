import { buildSchema } from 'graphql';
import { expect, test } from 'vitest';
import { createDocumentCache } from './document-cache.ts';

const schema = buildSchema('type Query { alpha: String beta: Query }');
const run = (cache: ReturnType<typeof createDocumentCache>, text: string) =>
  cache.validate(cache.parse(text));

test('a valid document is parsed and validated once', () => {
  const cache = createDocumentCache({ schema, introspection: 'on' });
  const first = cache.parse('{ alpha }');
  expect(cache.validate(first)).toEqual([]);
  expect(cache.parse('{ alpha }')).toBe(first);
  expect(cache.size).toBe(1);
});

test('one that is not valid is judged anew, and takes no room', () => {
  const cache = createDocumentCache({ schema, introspection: 'on' });
  expect(run(cache, '{ gamma }')).toHaveLength(1);
  expect(cache.parse('{ gamma }')).not.toBe(cache.parse('{ gamma }'));
  expect(run(cache, `{ ${'beta { '.repeat(20)} alpha ${'}'.repeat(20)} }`)[0]?.extensions['code']).toBe(
    'LIMIT_EXCEEDED',
  );
  expect(() => cache.parse('{')).toThrow(/Syntax Error/);
  expect(cache.size).toBe(0);
});

test('memory is bounded by bytes, and a text of comments is not kept', () => {
  const cache = createDocumentCache({ schema, introspection: 'on', maxBytes: 200_000 });
  for (let index = 0; index < 100; index += 1) run(cache, `{ alpha } # ${index} ${'x'.repeat(1_000)}`);
  expect(cache.size).toBeGreaterThan(0);
  expect(cache.size).toBeLessThan(6);
  const before = cache.size;
  expect(run(cache, `{ beta { alpha } } # ${'x'.repeat(60_000)}`)).toEqual([]);
  expect(cache.size).toBe(before);
});

test('more tokens than allowed are not parsed to their end', () => {
  const cache = createDocumentCache({ schema, introspection: 'on' });
  expect(() => cache.parse(`{ ${'alpha '.repeat(3_000)}`)).toThrow('The document has more than 2000 tokens.');
  expect(() => cache.parse(`{ ${'a'.repeat(100_000)} }`)).toThrow('has 100004 characters; at most 100000');
});

test('without introspection the schema is not told, nor hinted at', () => {
  const cache = createDocumentCache({ schema, introspection: 'off' });
  for (const text of [
    '{ __schema { types { name } } }',
    '{ __type(name: "Query") { name } }',
    '{ beta { ...F } } fragment F on Query { x: __schema { description } }',
  ])
    expect(run(cache, text).map(({ extensions }) => extensions['code'])).toEqual(['FORBIDDEN']);
  expect(run(cache, '{ __typename beta { __typename } }')).toEqual([]);
  expect(run(cache, '{ alhpa }')[0]?.message).toBe('Cannot query field "alhpa" on type "Query".');
  const open = createDocumentCache({ schema, introspection: 'on' });
  expect(run(open, '{ alhpa }')[0]?.message).toContain('Did you mean "alpha"');
});

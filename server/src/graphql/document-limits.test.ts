import { getIntrospectionQuery, parse } from 'graphql';
import { describe, expect, it, test } from 'vitest';
import { measureDocument, measureVariables } from './document-limits.ts';

const repeat = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');
const errorOf = (text: string) => measureDocument(parse(text))[0]?.message;

describe('a document is refused for', () => {
  it.each([
    ['depth', `{ ${'a { '.repeat(13)} b ${'}'.repeat(13)} }`, /a depth of 14; at most 12/],
    [
      'depth through fragments',
      `{ ...A } fragment A on Q { ${'a { '.repeat(7)} ...B ${'}'.repeat(7)} } fragment B on Q { ${'a { '.repeat(7)} b ${'}'.repeat(7)} }`,
      /a depth of 15/,
    ],
    ['aliases', `{ ${repeat(31, (index) => `a${index}: b`)} }`, /31 aliases; at most 30/],
    ['directives', `{ ${repeat(51, (index) => `a${index} @include(if: true)`)} }`, /51 directives/],
    [
      'fields',
      `{ ${repeat(40, (index) => `a${index} { ${repeat(30, (inner) => `b${inner}`)} }`)} }`,
      /1240 fields/,
    ],
    ['one field side by side', `{ ${'a { b } '.repeat(21)} }`, /one field 21 times side by side; at most 20/],
    ['one inline fragment side by side', `{ ${'... on Q { a } '.repeat(21)} }`, /side by side/],
    [
      'definitions',
      repeat(61, (index) => `query Q${index} { a }`),
      /61 operations and fragments; at most 60/,
    ],
    [
      'a fragment inside itself',
      '{ ...A } fragment A on Q { ...A }',
      /Cannot spread fragment "A" within itself/,
    ],
    [
      'a ring of fragments',
      '{ ...A } fragment A on Q { ...B } fragment B on Q { a { ...A } }',
      /within itself/,
    ],
    [
      'an unused fragment',
      `{ a } fragment A on Q { ${repeat(31, (index) => `a${index}: b`)} }`,
      /The fragment has 31 aliases/,
    ],
  ])('%s', (_, text, message) => expect(errorOf(text)).toMatch(message));

  it('fragments that double each other, without doing the work', () => {
    const doubling = repeat(40, (index) => `fragment F${index} on Q { ...F${index + 1} ...F${index + 1} }`);
    expect(errorOf(`{ ...F0 } ${doubling} fragment F40 on Q { a }`)).toMatch(/1000000 fields/);
  });
});

test('introspection, as tools ask for it, is within the limits', () => {
  expect(measureDocument(parse(getIntrospectionQuery({ descriptions: true, oneOf: true })))).toEqual([]);
});

describe('variables', () => {
  const nest = (depth: number): unknown => Array.from({ length: depth }).reduce((inner) => [inner], 1);

  it('may be as deep as inputs are, and no deeper', () => {
    expect(measureVariables({ input: nest(10) })).toBeUndefined();
    expect(measureVariables({ input: nest(30) })?.message).toMatch(/nested more than 24 levels/);
  });

  it('are measured without a stack of calls', () => {
    expect(measureVariables(nest(1_000_000))?.extensions['code']).toBe('LIMIT_EXCEEDED');
  });

  it('may hold only so many values', () => {
    expect(measureVariables({ list: Array.from({ length: 20_001 }, () => 1) })?.message).toMatch(
      /more than 20000 values/,
    );
  });

  it.each([undefined, null, 'text', 5])('%j is not for these bounds to judge', (value) =>
    expect(measureVariables(value)).toBeUndefined(),
  );
});

import { GraphQLSchema, buildSchema, printSchema } from 'graphql';
import { expect, test } from 'vitest';
import { assertRootsListed } from './authorise-plugin.ts';
import { schema } from './schema.ts';

const sdl = printSchema(schema);

test('the schema as it is has every root field in the table', () => {
  expect(() => assertRootsListed(schema)).not.toThrow();
});

test.each(['Query', 'Mutation', 'Subscription'])('a field of %s that nobody listed is refused', (type) => {
  const grown = buildSchema(`${sdl}\nextend type ${type} { stranger: Int }`);
  expect(() => assertRootsListed(grown)).toThrow(`${type}.stranger is not listed`);
});

test('a field that is listed and gone is refused', () => {
  const shrunk = new GraphQLSchema({ ...schema.toConfig(), subscription: null });
  expect(() => assertRootsListed(shrunk)).toThrow('Subscription.events does not exist');
});

import {
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  type GraphQLNamedType,
} from 'graphql';
import { expect, test } from 'vitest';
import { schema } from './schema.ts';

interface Described {
  name: string;
  description?: string | null | undefined;
}

/** Type, fields, arguments, input fields and enum values, by their path. */
function elementsOf(type: GraphQLNamedType): { path: string; description: string | undefined }[] {
  const element = (prefix: string) => (part: Described) => ({
    path: `${prefix}${part.name}`,
    description: part.description?.trim(),
  });
  const own = [element('')(type)];
  const inside = element(`${type.name}.`);
  if (isEnumType(type)) return [...own, ...type.getValues().map(inside)];
  if (isInputObjectType(type)) return [...own, ...Object.values(type.getFields()).map(inside)];
  if (!isObjectType(type) && !isInterfaceType(type)) return own;
  return [
    ...own,
    ...Object.values(type.getFields()).flatMap((field) => [
      inside(field),
      ...field.args.map(element(`${type.name}.${field.name}.`)),
    ]),
  ];
}

const elements = Object.values(schema.getTypeMap())
  .filter((type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type))
  .flatMap(elementsOf);

test('every public type, field, argument, input field and enum value has a description', () => {
  expect(elements.length).toBeGreaterThan(500);
  expect(elements.filter(({ description }) => !description).map(({ path }) => path)).toEqual([]);
});

test('descriptions are sentences', () => {
  const ragged = elements.filter(
    ({ description }) => description && !/^[\p{Lu}`\d].*\.$/su.test(description),
  );
  expect(ragged.map(({ path, description }) => `${path}: ${description}`)).toEqual([]);
});

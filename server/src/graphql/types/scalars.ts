import { GraphQLError, Kind, valueFromASTUntyped, type ValueNode } from 'graphql';
import type { Json } from '../../lib/json.ts';
import { builder } from '../builder.ts';

const isoMoment = /^(\d{4})-(\d{2})-(\d{2})T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/;

function parseMoment(value: unknown): Date {
  const [text, year, month, day] = (typeof value === 'string' && isoMoment.exec(value)) || [];
  const moment = new Date(text ?? Number.NaN);
  // Date reads February 30 as March 2.
  const isDay = Number(day) <= new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate();
  if (isDay && !Number.isNaN(moment.getTime())) return moment;
  throw new GraphQLError(
    `DateTime must be an ISO 8601 moment with a time zone, like 2026-11-20T09:30:00.000Z, not ${JSON.stringify(value)}.`,
  );
}

builder.scalarType('DateTime', {
  description: 'An ISO 8601 moment in UTC, for example 2026-11-20T09:30:00.000Z.',
  serialize: (value) => (value instanceof Date ? value : new Date(value)).toISOString(),
  parseValue: parseMoment,
  parseLiteral: (node: ValueNode) =>
    parseMoment(node.kind === Kind.STRING ? node.value : valueFromASTUntyped(node)),
});

builder.scalarType('JSON', {
  description: 'Any JSON value.',
  serialize: (value) => value,
  parseValue: (value) => value as Json,
  parseLiteral: (node: ValueNode) => valueFromASTUntyped(node) as Json,
});

function parseSafeInt(value: unknown): number {
  if (Number.isSafeInteger(value)) return value as number;
  throw new GraphQLError(`SafeInt must be an integer up to 2^53 - 1, not ${JSON.stringify(value)}.`);
}

builder.scalarType('SafeInt', {
  description: 'An integer up to 2^53 - 1, used where 32 bits are too few (bytes, micro-dollars).',
  serialize: (value) => parseSafeInt(Number(value)),
  parseValue: parseSafeInt,
  parseLiteral: (node: ValueNode) => parseSafeInt(node.kind === Kind.INT ? Number(node.value) : Number.NaN),
});

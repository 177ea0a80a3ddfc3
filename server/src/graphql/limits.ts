import { GraphQLError } from 'graphql';

/** Highest cost of an operation: one per field, times the page size inside lists. */
export const costLimit = 50_000;

/** Bounds of an operation's text and shape, the same on HTTP and WebSocket. */
export const documentLimits = {
  /** Of the text; long values belong into variables. What is in it is quoted in errors, so it bounds those, too. */
  characters: 100_000,
  tokens: 2_000,
  /** Operations and fragments. */
  definitions: 60,
  depth: 12,
  aliases: 30,
  directives: 50,
  /** Fields, with those of a fragment counted as often as it is spread. */
  fields: 1_000,
  /** Fields of one answer key side by side: comparing each with each is what validation costs most for. */
  repeats: 20,
} as const;

/** Bounds of the variables' shape; their size is bounded by that of the request. */
export const variableLimits = { depth: 24, values: 20_000 } as const;

export const maxPageSize = 100;
export const defaultPageSize = 20;

export function limitExceeded(message: string, nodes?: GraphQLError['nodes']): GraphQLError {
  return new GraphQLError(message, {
    ...(nodes ? { nodes } : {}),
    extensions: { code: 'LIMIT_EXCEEDED' },
  });
}

export function describeCost(cost: number): GraphQLError {
  return limitExceeded(
    `The operation costs ${cost}; at most ${costLimit} is allowed. Ask for fewer fields inside lists, or smaller pages with \`first\`.`,
  );
}

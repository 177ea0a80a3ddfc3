import { GraphQLError } from 'graphql';

/** Highest cost of an operation: one per field, times the page size inside lists. */
export const costLimit = 50_000;

/** Bounds of an operation's text and shape, the same on HTTP and WebSocket. */
export const documentLimits = { tokens: 2_000, depth: 12, aliases: 30, directives: 50 } as const;

export const maxPageSize = 100;
export const defaultPageSize = 20;

export function describeCost(cost: number): GraphQLError {
  return new GraphQLError(
    `The operation costs ${cost}; at most ${costLimit} is allowed. Ask for fewer fields inside lists, or smaller pages with \`first\`.`,
    { extensions: { code: 'LIMIT_EXCEEDED' } },
  );
}

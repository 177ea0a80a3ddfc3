import { ValidationError } from '../lib/errors.ts';
import type { Page, PageRequest } from '../stores/page.ts';
import { defaultPageSize, maxPageSize } from './limits.ts';

export interface PageArgs {
  first?: number | null | undefined;
  after?: string | null | undefined;
  last?: number | null | undefined;
  before?: string | null | undefined;
}

/** For lists without `last`. */
export const firstDescription = `Size of the page, 1 to ${maxPageSize}; ${defaultPageSize} when absent.`;
export const pageArgDescriptions = {
  first: `Size of a page from the start of the list, 1 to ${maxPageSize}; ${defaultPageSize} when neither it nor \`last\` is given.`,
  after: 'Only what follows this cursor of the same list.',
  last: `Size of a page from the end of the list, 1 to ${maxPageSize}; not together with \`first\`.`,
  before: 'Only what precedes this cursor of the same list.',
};
export const totalCountDescription =
  'How many rows the whole list has with this filter; counted only when asked for.';

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** Opaque to clients: the id of the row, so that rows added meanwhile move nothing. */
export function encodeRowCursor(id: string): string {
  return Buffer.from(`r1.${id}`).toString('base64url');
}

export function decodeRowCursor(cursor: string, field: string): string {
  const text = cursor.length <= 100 ? Buffer.from(cursor, 'base64url').toString('latin1') : '';
  const id = text.slice(3);
  // Re-encoding refuses the many texts that base64url decodes alike.
  if (text.startsWith('r1.') && uuid.test(id) && encodeRowCursor(id) === cursor) return id;
  throw new ValidationError([
    {
      path: field,
      message: 'is not a cursor of this list; leave it out to start anew',
      value: cursor.slice(0, 200),
    },
  ]);
}

/** @throws ValidationError naming `first`, `last`, `after` or `before` */
export function parsePage(args: PageArgs): PageRequest {
  const first = args.first ?? undefined;
  const last = args.last ?? undefined;
  if (first !== undefined && last !== undefined) {
    throw new ValidationError([{ path: 'last', message: 'cannot be given together with first' }]);
  }
  const page: PageRequest = {
    limit: last === undefined ? pageSize(first ?? defaultPageSize, 'first') : pageSize(last, 'last'),
    backward: last !== undefined,
  };
  if (args.after !== null && args.after !== undefined) page.after = decodeRowCursor(args.after, 'after');
  if (args.before !== null && args.before !== undefined) page.before = decodeRowCursor(args.before, 'before');
  return page;
}

export function pageSize(size: number, field: 'first' | 'last'): number {
  if (Number.isInteger(size) && size >= 1 && size <= maxPageSize) return size;
  throw new ValidationError([
    { path: field, message: `must be from 1 to ${maxPageSize}`, value: String(size) },
  ]);
}

export interface ConnectionOf<Row> {
  edges: { cursor: string; node: Row }[];
  pageInfo: {
    hasNextPage: boolean;
    hasPreviousPage: boolean;
    startCursor: string | null;
    endCursor: string | null;
  };
  /** Counted only when a client asks for it. */
  count(): Promise<number>;
}

export function toConnection<Row extends { id: string }>(
  page: Page<Row>,
  count: () => Promise<number> = () => Promise.resolve(0),
): ConnectionOf<Row> {
  const edges = page.rows.map((node) => ({ cursor: encodeRowCursor(node.id), node }));
  return {
    edges,
    pageInfo: {
      hasNextPage: page.hasNext,
      hasPreviousPage: page.hasPrevious,
      startCursor: edges[0]?.cursor ?? null,
      endCursor: edges.at(-1)?.cursor ?? null,
    },
    count,
  };
}

/** For the cost of an operation: what is inside a page counts as often as the page has rows. */
export function pageCost(args: PageArgs): { field: number; multiplier: number } {
  const size = args.first ?? args.last ?? defaultPageSize;
  // A refused size must not be counted as free.
  return { field: 1, multiplier: Math.min(Math.max(1, size), maxPageSize) };
}

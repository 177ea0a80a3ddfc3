/** A window on rows ordered by their uuidv7 id, newest first. */
export interface PageRequest {
  limit: number;
  /** The last rows of the window instead of the first. */
  backward: boolean;
  /** Only rows behind this id in list order: older ones. */
  after?: string;
  /** Only rows ahead of this id: newer ones. */
  before?: string;
}

export interface Page<Row> {
  rows: Row[];
  hasNext: boolean;
  hasPrevious: boolean;
}

/** Conditions on `id` and the order for a keyset read; one row more than asked tells whether there is a next page. */
export function keyset(page: PageRequest): {
  id: { $lt?: string; $gt?: string };
  order: 'asc' | 'desc';
  limit: number;
} {
  return {
    id: { ...(page.after ? { $lt: page.after } : {}), ...(page.before ? { $gt: page.before } : {}) },
    order: page.backward ? 'asc' : 'desc',
    limit: page.limit + 1,
  };
}

export function toPage<Row>(page: PageRequest, read: Row[]): Page<Row> {
  const more = read.length > page.limit;
  const rows = more ? read.slice(0, page.limit) : read;
  return page.backward
    ? { rows: rows.reverse(), hasNext: page.before !== undefined, hasPrevious: more }
    : { rows, hasNext: more, hasPrevious: page.after !== undefined };
}

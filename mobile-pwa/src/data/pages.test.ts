import { describe, expect, it } from 'vitest';
import { findBrokenLink, listNodes, placePage, type Page } from './pages.ts';

const page = (after: string | null, ids: string, hasNextPage = true): Page<{ id: string }> => ({
  after,
  nodes: ids.split('').map((id) => ({ id })),
  endCursor: ids.at(-1) ?? null,
  hasNextPage,
});
const ids = (pages: Page<{ id: string }>[]) =>
  listNodes(pages)
    .map(({ id }) => id)
    .join('');

describe('pages of a list', () => {
  it('join without repeating a node that moved from one page to the next', () => {
    expect(ids([page(null, 'xab'), page('b', 'bcd')])).toBe('xabcd');
  });

  it('notice that a page now ends elsewhere, so that the next is asked again', () => {
    let pages = placePage([page(null, 'abc'), page('c', 'def', false)], page(null, 'xab'), 0);
    expect(findBrokenLink(pages)).toEqual({ index: 1, after: 'b' });
    pages = placePage(pages, page('b', 'cde'), 1);
    expect(findBrokenLink(pages)).toBeUndefined();
    expect(ids(pages)).toBe('xabcde');
  });

  it('end where the server says the list ends', () => {
    expect(placePage([page(null, 'abc'), page('c', 'd', false)], page(null, 'ab', false), 0)).toHaveLength(1);
  });
});

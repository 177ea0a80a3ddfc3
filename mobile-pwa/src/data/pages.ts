export interface Page<Node> {
  /** The cursor this page was asked with; null for the first. */
  after: string | null;
  nodes: readonly Node[];
  endCursor: string | null;
  hasNextPage: boolean;
}

/**
 * Puts an answer in its place in a chain of pages. When a page ends elsewhere than before, the pages behind it
 * were asked from a position that no longer exists: they stay on screen until `nextAfter` of this page is answered.
 */
export function placePage<Node>(pages: readonly Page<Node>[], page: Page<Node>, index: number): Page<Node>[] {
  const next = [...pages];
  next[index] = page;
  return page.hasNextPage ? next : next.slice(0, index + 1);
}

/** Which page must be asked again because the one before it now ends elsewhere. */
export function findBrokenLink<Node>(
  pages: readonly Page<Node>[],
): { index: number; after: string | null } | undefined {
  for (let index = 1; index < pages.length; index++) {
    const after = pages[index - 1]?.endCursor ?? null;
    if (pages[index]?.after !== after) return { index, after };
  }
  return undefined;
}

/** All nodes in order, each once: while pages shift, a node can be on two of them. */
export function listNodes<Node extends { id: string }>(pages: readonly Page<Node>[]): Node[] {
  return [...new Map(pages.flatMap((page) => page.nodes.map((node) => [node.id, node] as const))).values()];
}

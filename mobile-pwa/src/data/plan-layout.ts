export interface PlanItem {
  id: string;
  dependsOn: readonly string[];
}

export interface PlacedNode<Item extends PlanItem> {
  item: Item;
  row: number;
  column: number;
}

export interface PlanLayout<Item extends PlanItem> {
  nodes: PlacedNode<Item>[];
  edges: { from: PlacedNode<Item>; to: PlacedNode<Item> }[];
  columns: number;
}

/** More columns than this would leave no room for words on a phone. */
const MAX_COLUMNS = 4;

/**
 * Lays a plan out as a rail: one node a row, what must come first above, and what may run side by side in
 * neighbouring columns. Edges that only repeat a longer way round are left out.
 */
export function layOutPlan<Item extends PlanItem>(items: readonly Item[]): PlanLayout<Item> {
  const byId = new Map(items.map((item) => [item.id, item]));
  const depths = new Map<string, number>();
  const depthOf = (item: Item, path: ReadonlySet<string>): number => {
    const known = depths.get(item.id);
    if (known !== undefined) return known;
    let depth = 0;
    for (const id of item.dependsOn) {
      const before = byId.get(id);
      // The server refuses cycles, but a plan that is being edited may hold one for a moment.
      if (before && !path.has(id)) depth = Math.max(depth, depthOf(before, new Set(path).add(item.id)) + 1);
    }
    depths.set(item.id, depth);
    return depth;
  };
  const ordered = items.toSorted((a, b) => depthOf(a, new Set([a.id])) - depthOf(b, new Set([b.id])));
  const nodes = assignLanes(ordered);
  const placed = new Map(nodes.map((node) => [node.item.id, node]));
  const edges = nodes.flatMap((to) =>
    to.item.dependsOn.flatMap((id) => {
      const from = placed.get(id);
      return from && from !== to && !isReachedOtherwise(id, to.item, byId) ? [{ from, to }] : [];
    }),
  );
  return { nodes, edges, columns: Math.max(1, ...nodes.map((node) => node.column + 1)) };
}

/**
 * Gives each node a column, as a commit graph does: a node goes on in the column of something it waited for, and a
 * column stays taken until everything that waits for its last node has been placed, so that no line runs through a
 * cell it has nothing to do with.
 */
function assignLanes<Item extends PlanItem>(ordered: readonly Item[]): PlacedNode<Item>[] {
  const waitingFor = new Map(
    ordered.map((item) => [item.id, ordered.filter((other) => other.dependsOn.includes(item.id)).length]),
  );
  const lanes: (string | undefined)[] = [];
  return ordered.map((item, row) => {
    for (const id of item.dependsOn) waitingFor.set(id, (waitingFor.get(id) ?? 1) - 1);
    const isFree = (id: string | undefined) => id === undefined || (waitingFor.get(id) ?? 0) === 0;
    const continued = lanes.findIndex((id) => id !== undefined && item.dependsOn.includes(id) && isFree(id));
    const free = lanes.findIndex(isFree);
    const lane = continued >= 0 ? continued : free >= 0 ? free : lanes.length;
    for (let index = 0; index < lanes.length; index++) if (isFree(lanes[index])) lanes[index] = undefined;
    lanes[lane] = item.id;
    return { item, row, column: Math.min(lane, MAX_COLUMNS - 1) };
  });
}

/** Whether another dependency of `item` already waits for `id`. */
function isReachedOtherwise<Item extends PlanItem>(id: string, item: Item, byId: Map<string, Item>): boolean {
  const seen = new Set<string>([item.id]);
  const stack = item.dependsOn.filter((other) => other !== id);
  for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
    if (next === id) return true;
    if (seen.has(next)) continue;
    seen.add(next);
    stack.push(...(byId.get(next)?.dependsOn ?? []));
  }
  return false;
}

/** How many empty cells follow: what is left of the last row, and one row more, so that the comb looks unfinished. */
export function emptyCells(count: number, perRow: number): number {
  const wide = Math.max(2, Math.floor(perRow));
  let cells = 0;
  let row = 0;
  for (; cells < count; row++) cells += row % 2 === 0 ? wide : wide - 1;
  return cells - count + (row % 2 === 0 ? wide : wide - 1);
}

/**
 * Cuts a list into the rows of a honeycomb: full rows of `perRow` cells alternate with rows of one fewer, which
 * sit in the gaps of the rows around them.
 */
export function honeycombRows<Item>(items: readonly Item[], perRow: number): Item[][] {
  const wide = Math.max(2, Math.floor(perRow));
  const result: Item[][] = [];
  let start = 0;
  while (start < items.length) {
    const size = result.length % 2 === 0 ? wide : wide - 1;
    result.push(items.slice(start, start + size));
    start += size;
  }
  return result;
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { layOutPlan } from './plan-layout.ts';

const items = (plan: Record<string, string[]>) =>
  Object.entries(plan).map(([id, dependsOn]) => ({ id, dependsOn }));

describe('plan layout', () => {
  it('puts every node below what it waits for', () => {
    const arbitrary = fc.array(fc.array(fc.nat(), { maxLength: 3 }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(arbitrary, (links) => {
        const plan = links.map((targets, index) => ({
          id: `n${index}`,
          dependsOn: index === 0 ? [] : [...new Set(targets.map((target) => `n${target % index}`))],
        }));
        const rowOf = new Map(layOutPlan(plan.toReversed()).nodes.map(({ item, row }) => [item.id, row]));
        for (const { id, dependsOn } of plan) {
          for (const before of dependsOn) expect(rowOf.get(before)).toBeLessThan(rowOf.get(id) ?? -1);
        }
      }),
    );
  });

  it('runs what is parallel side by side and lets no line cross a strange cell', () => {
    const { nodes, columns } = layOutPlan(items({ a: [], b: [], c: ['b'], d: ['a', 'c'], e: ['d'] }));
    expect(nodes.map(({ item, column }) => [item.id, column])).toEqual([
      ['a', 0],
      ['b', 1],
      ['c', 1],
      ['d', 0],
      ['e', 0],
    ]);
    expect(columns).toBe(2);
  });

  it('leaves out an edge that a longer way implies', () => {
    const { edges } = layOutPlan(items({ a: [], b: ['a'], c: ['a', 'b'] }));
    expect(edges.map(({ from, to }) => from.item.id + to.item.id)).toEqual(['ab', 'bc']);
  });

  it('survives a cycle and a dependency on nothing, which a draft may hold for a moment', () => {
    expect(layOutPlan(items({ a: ['b'], b: ['a'], c: ['ghost'] })).nodes).toHaveLength(3);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ValidationError } from '../../lib/errors.ts';
import { findCycle, parseGraph, topologicalOrder } from './graph.ts';

const node = (id: string, dependsOn: string[] = []) => ({ id, title: id, instruction: 'do it', dependsOn });

/** Acyclic by construction: a node depends only on nodes before it; then shuffled. */
const acyclic = fc
  .integer({ min: 1, max: 30 })
  .chain((size) =>
    fc.tuple(
      ...Array.from({ length: size }, (_, index) =>
        fc.subarray(Array.from({ length: index }, (_x, at) => at)),
      ),
    ),
  )
  .chain((dependencies) => {
    const nodes = dependencies.map((before, index) =>
      node(
        `n${index}`,
        before.map((at) => `n${at}`),
      ),
    );
    return fc.shuffledSubarray(nodes, { minLength: nodes.length });
  });

describe('a valid graph', () => {
  it('is accepted, and its order puts every node behind what it depends on', () => {
    fc.assert(
      fc.property(acyclic, (nodes) => {
        const graph = parseGraph({ nodes });
        expect(findCycle(graph)).toBeUndefined();
        const order = topologicalOrder(graph).map((entry) => entry.id);
        expect([...order].sort()).toEqual(nodes.map((entry) => entry.id).sort());
        for (const entry of nodes) {
          for (const dependency of entry.dependsOn)
            expect(order.indexOf(dependency)).toBeLessThan(order.indexOf(entry.id));
        }
      }),
    );
  });

  it('gets its defaults', () => {
    expect(parseGraph({ nodes: [{ id: 'a', title: ' A ', instruction: 'x' }] })).toEqual({
      summary: '',
      nodes: [
        {
          id: 'a',
          title: 'A',
          instruction: 'x',
          capabilities: [],
          dependsOn: [],
          risk: 'LOW',
          estimatedCostMicroUsd: 0,
          input: {},
        },
      ],
    });
  });
});

describe('a cycle', () => {
  it('is found wherever it is closed, and told as a path along real edges', () => {
    fc.assert(
      fc.property(acyclic, fc.nat(), fc.nat(), (nodes, from, to) => {
        const [source, target] = [nodes[from % nodes.length]!, nodes[to % nodes.length]!];
        const order = topologicalOrder({ nodes: parseGraph({ nodes }).nodes });
        const position = (id: string) => order.findIndex((entry) => entry.id === id);
        // an edge against the order, between nodes that were not ordered by chance only, closes a cycle
        const closing = { ...source, dependsOn: [...new Set([...source.dependsOn, target.id])] };
        const changed = nodes.map((entry) => (entry === source ? closing : entry));
        const cycle = findCycle({ nodes: changed as never });
        if (cycle) {
          expect(cycle[0]).toBe(cycle.at(-1));
          for (let index = 1; index < cycle.length; index += 1) {
            const later = changed.find((entry) => entry.id === cycle[index])!;
            expect(later.dependsOn).toContain(cycle[index - 1]);
          }
          expect(() => parseGraph({ nodes: changed })).toThrow(/has a cycle: .* → /);
        } else {
          expect(position(source.id)).not.toBe(position(target.id));
          expect(() => parseGraph({ nodes: changed })).not.toThrow();
        }
      }),
    );
  });

  it.each([
    [[node('a', ['a'])], 'a → a'],
    [[node('a', ['b']), node('b', ['a'])], 'a → b → a'],
  ])('is refused %#', (nodes, path) => {
    expect(() => parseGraph({ nodes })).toThrow(new RegExp(`has a cycle: .*`));
    const cycle = findCycle({ nodes: nodes as never })!;
    expect([path, path.split(' → ').reverse().join(' → '), 'b → a → b']).toContain(cycle.join(' → '));
  });

  it('is found in a chain of a thousand nodes without exhausting the stack', () => {
    const chain = Array.from({ length: 1_000 }, (_, index) => node(`n${index}`, [`n${(index + 1) % 1_000}`]));
    expect(findCycle({ nodes: chain as never })).toHaveLength(1_001);
  });
});

describe('bad graphs', () => {
  const refusal = (value: unknown) => {
    try {
      parseGraph(value);
    } catch (error) {
      if (error instanceof ValidationError) return error.fields;
    }
    throw new Error('accepted');
  };
  it('are refused with every problem and its place', () => {
    expect(refusal({ nodes: [] })).toEqual([{ path: 'nodes', message: 'must have at least one node' }]);
    expect(refusal({ nodes: [node('a'), node('a'), node('b', ['x', 'a', 'a'])] })).toEqual([
      { path: 'nodes[1].id', message: 'repeats the id of nodes[0]', value: 'a' },
      { path: 'nodes[2].dependsOn[0]', message: 'names a node that is not in the graph', value: 'x' },
      { path: 'nodes[2].dependsOn[2]', message: 'is listed twice', value: 'a' },
    ]);
    expect(
      refusal({ nodes: Array.from({ length: 1_001 }, (_, index) => node(`n${index}`)) })[0]!.message,
    ).toContain('1001 nodes');
    expect(refusal({ nodes: [{ ...node('a'), capabilities: ['Not Valid'] }] })[0]!.path).toBe(
      'nodes[0].capabilities[0]',
    );
    expect(
      refusal({ nodes: [{ id: 'a b', title: '', instruction: '' }] }).map((field) => field.path),
    ).toEqual(['nodes[0].id', 'nodes[0].title', 'nodes[0].instruction']);
  });

  it('are refused when they hold text PostgreSQL cannot store', () => {
    const half = '\ud83d';
    const nodes = [
      { ...node('a'), title: 'x\0y', instruction: half },
      { ...node('b'), input: { text: `a${half}` } },
      { ...node('c'), input: { 'a\0': 1 } },
    ];
    expect(refusal({ nodes }).map((field) => field.path)).toEqual([
      'nodes[0].title',
      'nodes[0].instruction',
      'nodes[1].input',
      'nodes[2].input',
    ]);
  });

  it('of any shape give a typed refusal, never another error', () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        try {
          parseGraph(value);
        } catch (error) {
          expect(error).toBeInstanceOf(ValidationError);
        }
      }),
    );
  });
});

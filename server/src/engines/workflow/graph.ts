import { z } from 'zod';
import { ValidationError, type FieldProblem } from '../../lib/errors.ts';
import { canonicalJson, storableJson, storableText, type Json } from '../../lib/json.ts';

export const maxGraphNodes = 1_000;

/** One node of a plan or workflow; it becomes one task when the graph runs. */
export interface GraphNode {
  /** Unique inside the graph; letters, digits, `-` and `_`. */
  id: string;
  title: string;
  instruction: string;
  /** What an agent must be able to do, all of it. */
  capabilities: string[];
  /** Ids of nodes that must succeed first. */
  dependsOn: string[];
  risk: 'LOW' | 'MEDIUM' | 'HIGH';
  estimatedCostMicroUsd: number;
  /** Parameters for the agent runtime, for example a recipe's action. */
  input: { [key: string]: Json };
}

export interface Graph {
  /** One sentence a person reads before accepting. */
  summary: string;
  nodes: GraphNode[];
}

/** PostgreSQL stores neither, and would refuse the whole plan without naming the field. */
const notStorable = 'must not contain NUL or broken Unicode';
const isStorable = (value: unknown) => canonicalJson(storableJson(value)) === canonicalJson(value);
const storable = z.string().refine((text) => storableText(text) === text, notStorable);

const capability = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,39}$/,
    'must be lower-case letters, digits and hyphens, at most 40, starting with a letter',
  );

export const capabilitiesSchema = z.array(capability).max(20);

export const graphNodeSchema = z.object({
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'must be 1 to 64 letters, digits, hyphens or underscores'),
  title: storable.trim().min(1).max(200),
  instruction: storable.trim().min(1).max(20_000),
  capabilities: capabilitiesSchema.default([]),
  dependsOn: z.array(z.string()).max(maxGraphNodes).default([]),
  risk: z.enum(['LOW', 'MEDIUM', 'HIGH']).default('LOW'),
  estimatedCostMicroUsd: z.int().min(0).default(0),
  input: z.record(z.string(), z.json()).refine(isStorable, notStorable).default({}),
});

export const graphSchema = z.object({
  summary: storable.trim().max(2_000).default(''),
  nodes: z.array(graphNodeSchema),
});

/**
 * Parses and validates a graph before a row is written: shape, 1 to 1,000 nodes, unique ids, known dependencies, no cycle.
 * @throws ValidationError with one entry a problem; a cycle is reported with its path, `a → b → a`
 */
export function parseGraph(value: unknown): Graph {
  const parsed = graphSchema.safeParse(value);
  if (!parsed.success) {
    throw new ValidationError(
      parsed.error.issues
        .slice(0, 20)
        .map((issue) => ({ path: pathText(issue.path), message: issue.message })),
    );
  }
  const graph = parsed.data as Graph;
  const problems = structureProblems(graph);
  if (problems.length > 0) throw new ValidationError(problems.slice(0, 20));
  return graph;
}

function structureProblems(graph: Graph): FieldProblem[] {
  const { nodes } = graph;
  if (nodes.length === 0) return [{ path: 'nodes', message: 'must have at least one node' }];
  if (nodes.length > maxGraphNodes) {
    return [{ path: 'nodes', message: `has ${nodes.length} nodes; at most ${maxGraphNodes} are allowed` }];
  }
  const problems: FieldProblem[] = [];
  const seen = new Map<string, number>();
  nodes.forEach((node, index) => {
    const first = seen.get(node.id);
    if (first === undefined) seen.set(node.id, index);
    else
      problems.push({
        path: `nodes[${index}].id`,
        message: `repeats the id of nodes[${first}]`,
        value: node.id,
      });
  });
  nodes.forEach((node, index) => {
    const own = new Set<string>();
    node.dependsOn.forEach((id, position) => {
      const path = `nodes[${index}].dependsOn[${position}]`;
      if (!seen.has(id)) problems.push({ path, message: `names a node that is not in the graph`, value: id });
      else if (own.has(id)) problems.push({ path, message: 'is listed twice', value: id });
      own.add(id);
    });
  });
  if (problems.length > 0) return problems;
  const cycle = findCycle(graph);
  if (cycle)
    problems.push({ path: 'nodes', message: `has a cycle: ${cycle.join(' → ')}`, value: cycle.join(' → ') });
  return problems;
}

/** The ids along one cycle, the first repeated at the end; undefined for an acyclic graph. Iterative: depth is input. */
export function findCycle(graph: Pick<Graph, 'nodes'>): string[] | undefined {
  const dependencies = new Map(graph.nodes.map((node) => [node.id, node.dependsOn]));
  const state = new Map<string, 'open' | 'done'>();
  for (const { id: start } of graph.nodes) {
    if (state.has(start)) continue;
    const path: { id: string; next: number }[] = [{ id: start, next: 0 }];
    state.set(start, 'open');
    while (path.length > 0) {
      const top = path[path.length - 1]!;
      const dependency = dependencies.get(top.id)?.[top.next];
      top.next += 1;
      if (dependency === undefined) {
        state.set(top.id, 'done');
        path.pop();
      } else if (state.get(dependency) === 'open') {
        const from = path.findIndex((entry) => entry.id === dependency);
        return [...path.slice(from).map((entry) => entry.id), dependency].reverse();
      } else if (!state.has(dependency)) {
        state.set(dependency, 'open');
        path.push({ id: dependency, next: 0 });
      }
    }
  }
  return undefined;
}

/** Nodes in an order in which every node follows its dependencies; ties keep the given order. */
export function topologicalOrder(graph: Pick<Graph, 'nodes'>): GraphNode[] {
  const placed = new Set<string>();
  const ordered: GraphNode[] = [];
  let rest = [...graph.nodes];
  while (rest.length > 0) {
    const ready = rest.filter((node) => node.dependsOn.every((id) => placed.has(id)));
    if (ready.length === 0) throw new ValidationError([{ path: 'nodes', message: 'has a cycle' }]);
    for (const node of ready) {
      placed.add(node.id);
      ordered.push(node);
    }
    rest = rest.filter((node) => !placed.has(node.id));
  }
  return ordered;
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>(
    (text, part) =>
      typeof part === 'number' ? `${text}[${part}]` : text === '' ? String(part) : `${text}.${String(part)}`,
    '',
  );
}

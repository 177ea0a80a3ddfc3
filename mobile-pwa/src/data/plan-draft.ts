export interface DraftNode {
  id: string;
  title: string;
  instruction: string;
  capabilities: string[];
  dependsOn: string[];
  risk: 'LOW' | 'MEDIUM' | 'HIGH';
}

/** Takes a node out; what waited for it now waits for what it waited for, so that the order is kept. */
export function removeNode(nodes: readonly DraftNode[], id: string): DraftNode[] {
  const removed = nodes.find((node) => node.id === id);
  return nodes
    .filter((node) => node.id !== id)
    .map((node) => {
      if (!node.dependsOn.includes(id)) return node;
      const inherited = node.dependsOn.flatMap((before) =>
        before === id ? (removed?.dependsOn ?? []) : [before],
      );
      return { ...node, dependsOn: [...new Set(inherited)] };
    });
}

/** Adds an empty node at the end, behind the last one. */
export function addNode(nodes: readonly DraftNode[]): DraftNode[] {
  const taken = new Set(nodes.map((node) => node.id));
  let number = nodes.length + 1;
  while (taken.has(`step-${number}`)) number++;
  const last = nodes.at(-1);
  const added: DraftNode = {
    id: `step-${number}`,
    title: '',
    instruction: '',
    capabilities: last?.capabilities ?? [],
    dependsOn: last ? [last.id] : [],
    risk: 'LOW',
  };
  return [...nodes, added];
}

/** Which nodes `id` may wait for: all but itself and those that already wait for it, directly or not. */
export function possibleDependencies(nodes: readonly DraftNode[], id: string): DraftNode[] {
  const behind = new Set([id]);
  for (let grew = true; grew;) {
    grew = false;
    for (const node of nodes) {
      if (behind.has(node.id) || !node.dependsOn.some((before) => behind.has(before))) continue;
      behind.add(node.id);
      grew = true;
    }
  }
  return nodes.filter((node) => !behind.has(node.id));
}

/** What keeps the draft from being saved, in the person's words; undefined when nothing does. */
export function findDraftProblem(nodes: readonly DraftNode[]): string | undefined {
  if (nodes.length === 0) return 'A plan needs at least one step.';
  const untitled = nodes.findIndex((node) => node.title.trim() === '');
  if (untitled >= 0) return `Step ${untitled + 1} needs a title.`;
  const empty = nodes.findIndex((node) => node.instruction.trim() === '');
  if (empty >= 0) return `Step ${empty + 1} needs an instruction.`;
  return undefined;
}

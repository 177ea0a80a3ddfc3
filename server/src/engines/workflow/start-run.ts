import type { Sql } from '../../stores/sql.ts';
import { enqueueTasks, insertDependencies, type NewTask } from '../../stores/task-enqueue.ts';
import { insertRun } from '../../stores/workflow-run-store.ts';
import { topologicalOrder, type Graph } from './graph.ts';

export interface RunRequest {
  workspaceId: string;
  goalId: string | null;
  projectId: string | null;
  crewId: string | null;
  /** Validated by parseGraph. */
  graph: Graph;
}

/**
 * Turns a graph into a run: one task a node, in dependency order (so that ids, too, sort that way), roots QUEUED and the rest
 * BLOCKED. Must be called inside a transaction.
 * @returns the id of the workflow run
 */
export async function startRun(sql: Sql, request: RunRequest): Promise<string> {
  const { workspaceId, goalId, projectId, crewId, graph } = request;
  const nodes = topologicalOrder(graph);
  const roots = nodes.filter((node) => node.dependsOn.length === 0).length;
  const runId = await insertRun(sql, {
    workspaceId,
    goalId,
    graph,
    totalCount: nodes.length,
    activeCount: roots,
  });
  const tasks = nodes.map((node): NewTask => ({
    workspaceId,
    workflowRunId: runId,
    goalId,
    projectId,
    crewId,
    nodeId: node.id,
    kind: 'AGENT',
    title: node.title,
    instruction: node.instruction,
    input: node.input,
    requiredCapabilities: node.capabilities,
    pendingDependencies: node.dependsOn.length,
  }));
  const ids = await enqueueTasks(sql, tasks);
  const idOf = new Map(nodes.map((node, index) => [node.id, ids[index]!]));
  await insertDependencies(
    sql,
    workspaceId,
    nodes.flatMap((node) =>
      node.dependsOn.map((id) => ({ taskId: idOf.get(node.id)!, dependsOnTaskId: idOf.get(id)! })),
    ),
  );
  return runId;
}

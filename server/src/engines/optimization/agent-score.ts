export interface AgentProfile {
  capabilities: readonly string[];
  maxConcurrency: number;
  runningCount: number;
  succeededCount: number;
  failedCount: number;
  /** Moving average of a task's duration; null before the first. */
  averageLatencyMs: number | null;
}

/** How much each part counts; together 1. */
export const scoreWeights = { match: 0.4, load: 0.3, success: 0.2, latency: 0.1 } as const;

/** Tasks that a new agent's record counts as having half succeeded (a Beta prior), so that one failure is not ruin. */
const priorTasks = 4;
/** Duration at which the latency part is one half. */
const typicalLatencyMs = 10_000;

/**
 * How well an agent suits a task, in [0, 1]; undefined when it lacks a required capability.
 *
 * Match is the share of the agent's capabilities the task needs, so that a specialist goes before a generalist; load is
 * its free share; success its smoothed success rate; latency falls with its average duration.
 */
export function scoreAgent(agent: AgentProfile, required: readonly string[]): number | undefined {
  if (!required.every((capability) => agent.capabilities.includes(capability))) return undefined;
  const match = agent.capabilities.length === 0 ? 1 : required.length / agent.capabilities.length;
  const load = Math.max(0, 1 - agent.runningCount / agent.maxConcurrency);
  const success =
    (agent.succeededCount + priorTasks / 2) / (agent.succeededCount + agent.failedCount + priorTasks);
  const latency =
    agent.averageLatencyMs === null ? 0.5 : typicalLatencyMs / (typicalLatencyMs + agent.averageLatencyMs);
  const { match: m, load: l, success: s, latency: t } = scoreWeights;
  return m * Math.min(1, match) + l * load + s * success + t * latency;
}

import type { Json } from '../lib/json.ts';

/** A claimed task as the claim statement returns it. */
export interface ClaimedTaskRow {
  id: string;
  workspaceId: string;
  workflowRunId: string | null;
  goalId: string | null;
  projectId: string | null;
  nodeId: string;
  /** Selects the handler: `AGENT` runs an agent, `PLAN` plans a goal. */
  kind: string;
  title: string;
  instruction: string;
  input: { [key: string]: Json };
  requiredCapabilities: string[];
  /** The fencing token, together with the lease owner. Counts from 1. */
  attempt: number;
  maxAttempts: number;
  timeoutMs: number;
  backoffInitialMs: number;
  backoffFactor: number;
  backoffMaxMs: number;
  agentId: string | null;
}

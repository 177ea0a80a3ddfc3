import type { Json } from '../lib/json.ts';

/** A claimed task as the claim statement returns it. */
export interface ClaimedTaskRow {
  id: string;
  workspaceId: string;
  workflowRunId: string | null;
  goalId: string | null;
  projectId: string | null;
  nodeId: string;
  kind: string;
  title: string;
  instruction: string;
  input: { [key: string]: Json };
  requiredCapabilities: string[];
  attempt: number;
  maxAttempts: number;
  timeoutMs: number;
  backoffInitialMs: number;
  backoffFactor: number;
  backoffMaxMs: number;
  agentId: string | null;
}

/** How a comb cell is drawn; edge and glyph differ for each, so that colour is never the only sign. */
export type Look =
  | 'idle'
  | 'queued'
  | 'running'
  | 'needs'
  | 'done'
  | 'failed'
  | 'offline'
  | 'paused'
  | 'ended';

export interface StatusLook {
  look: Look;
  label: string;
}

/** Statuses of goals, tasks, agents, attempts, steps, projects and health; names that coincide mean the same. */
const LOOKS: Record<string, StatusLook> = {
  PLANNING: { look: 'running', label: 'Planning' },
  AWAITING_ACCEPTANCE: { look: 'needs', label: 'Plan needs you' },
  RUNNING: { look: 'running', label: 'Running' },
  SUCCEEDED: { look: 'done', label: 'Done' },
  FAILED: { look: 'failed', label: 'Failed' },
  CANCELED: { look: 'ended', label: 'Canceled' },
  BLOCKED: { look: 'idle', label: 'Waits for others' },
  QUEUED: { look: 'queued', label: 'Queued' },
  WAITING: { look: 'needs', label: 'Needs you' },
  LOST: { look: 'failed', label: 'Lost its worker' },
  RELEASED: { look: 'ended', label: 'Handed back' },
  OFFLINE: { look: 'offline', label: 'Offline' },
  IDLE: { look: 'idle', label: 'Idle' },
  BUSY: { look: 'running', label: 'Working' },
  PAUSED: { look: 'paused', label: 'Paused' },
  ERROR: { look: 'failed', label: 'Breaker open' },
  RETIRED: { look: 'ended', label: 'Retired' },
  INDEXING: { look: 'running', label: 'Indexing' },
  READY: { look: 'done', label: 'Ready' },
  UP: { look: 'done', label: 'Up' },
  DEGRADED: { look: 'needs', label: 'Degraded' },
  DOWN: { look: 'failed', label: 'Down' },
};

export function statusLook(status: string): StatusLook {
  return LOOKS[status] ?? { look: 'idle', label: status };
}

const ENDED_TASK = new Set(['SUCCEEDED', 'FAILED', 'CANCELED']);

export function isEnded(status: string): boolean {
  return ENDED_TASK.has(status);
}

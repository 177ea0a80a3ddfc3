import type { TaskStatus } from '../../entities/task.ts';

/**
 * Every move a task can make. The statements in stores/task-*.ts guard the same moves with `where status …`, which is what
 * decides races; this table is what code and tests reason with.
 */
export const taskTransitions: { readonly [from in TaskStatus]: readonly TaskStatus[] } = {
  BLOCKED: ['QUEUED', 'CANCELED'],
  QUEUED: ['RUNNING', 'CANCELED'],
  RUNNING: ['SUCCEEDED', 'FAILED', 'QUEUED', 'WAITING', 'CANCELED'],
  // FAILED when a person decides against repeating an uncertain step
  WAITING: ['QUEUED', 'FAILED', 'CANCELED'],
  SUCCEEDED: [],
  // a dead letter can be replayed; BLOCKED when a predecessor has still to succeed
  FAILED: ['QUEUED', 'BLOCKED'],
  // outside a run only: inside one, whatever waited for it was canceled with it
  CANCELED: ['QUEUED'],
};

export const terminalTaskStatuses = [
  'SUCCEEDED',
  'FAILED',
  'CANCELED',
] as const satisfies readonly TaskStatus[];

export function canTransition(from: TaskStatus, to: TaskStatus): boolean {
  return taskTransitions[from].includes(to);
}

export function isTerminal(status: TaskStatus): boolean {
  return (terminalTaskStatuses as readonly TaskStatus[]).includes(status);
}

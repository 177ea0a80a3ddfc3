import { encodeCursor, type LogPosition } from '../lib/cursor.ts';
import type { Json } from '../lib/json.ts';
import type { EventRow } from '../stores/event-store.ts';

export const subjectTypes = {
  task: 'Task',
  goal: 'Goal',
  agent: 'Agent',
  project: 'Project',
  workflow_run: 'WorkflowRun',
} as const;
export type SubjectType = (typeof subjectTypes)[keyof typeof subjectTypes];

/** One event as readers get it. */
export interface LogEvent {
  /** Opaque; pass it back as `after`. */
  cursor: string;
  workspaceId: string;
  type: string;
  subjectType: SubjectType | null;
  subjectId: string;
  goalId: string | null;
  payload: Json;
  /** ISO 8601. */
  at: string;
}

export interface EventFilter {
  /** Exact types, or prefixes ending in `*`. */
  types?: readonly string[] | undefined;
  subjectId?: string | undefined;
  /** The goal's own events and those of its tasks and runs. */
  goalId?: string | undefined;
}

export function toLogEvent(row: EventRow): LogEvent {
  const prefix = row.type.slice(0, row.type.indexOf('.'));
  return {
    cursor: encodeCursor(row),
    workspaceId: row.workspaceId,
    type: row.type,
    subjectType: (subjectTypes as { [prefix: string]: SubjectType })[prefix] ?? null,
    subjectId: row.subjectId,
    goalId: row.goalId,
    payload: row.payload,
    at: row.at,
  };
}

export function matchesFilter(row: EventRow, workspaceId: string, where: EventFilter): boolean {
  if (row.workspaceId !== workspaceId) return false;
  if (where.subjectId !== undefined && row.subjectId !== where.subjectId) return false;
  if (where.goalId !== undefined && row.goalId !== where.goalId && row.subjectId !== where.goalId)
    return false;
  if (where.types === undefined) return true;
  return where.types.some((type) =>
    type.endsWith('*') ? row.type.startsWith(type.slice(0, -1)) : row.type === type,
  );
}

/** The filter in the store's terms. */
export function queryOf(workspaceId: string, where: EventFilter) {
  const exact = where.types?.filter((type) => !type.endsWith('*'));
  const prefixes = where.types?.filter((type) => type.endsWith('*')).map((type) => type.slice(0, -1));
  return {
    workspaceId,
    ...(exact === undefined ? {} : { types: exact }),
    ...(prefixes === undefined ? {} : { typePrefixes: prefixes }),
    ...(where.subjectId === undefined ? {} : { subjectId: where.subjectId }),
    ...(where.goalId === undefined ? {} : { goalId: where.goalId }),
  };
}

export type { LogPosition };

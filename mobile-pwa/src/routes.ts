export type Tab = 'fleet' | 'dispatch' | 'work';

export interface Route {
  /** The element that shows it. */
  view:
    | 'hive-dispatch-view'
    | 'hive-work-view'
    | 'hive-goal-view'
    | 'hive-task-view'
    | 'hive-fleet-view'
    | 'hive-agent-view'
    | 'hive-settings-view'
    | 'hive-outbox-view'
    | 'hive-missing-view';
  tab: Tab | undefined;
  id: string;
}

/** Which view a path shows. Ids are opaque and may hold any character but a slash. */
export function matchRoute(path: string): Route {
  const missing: Route = { view: 'hive-missing-view', tab: undefined, id: '' };
  const parts = decodeParts(path);
  if (!parts) return missing;
  const [first = '', second = '', third = '', ...rest] = parts;
  if (rest.length > 0) return missing;
  const depth = [first, second, third].filter((part) => part !== '').length;
  if (depth === 0 || (first === 'dispatch' && depth === 1)) {
    return { view: 'hive-dispatch-view', tab: 'dispatch', id: '' };
  }
  if (first === 'dispatch' && depth === 2) return { view: 'hive-dispatch-view', tab: 'dispatch', id: second };
  if (first === 'work' && depth === 1) return { view: 'hive-work-view', tab: 'work', id: '' };
  if (first === 'work' && second === 'goals' && depth === 3)
    return { view: 'hive-goal-view', tab: 'work', id: third };
  if (first === 'work' && second === 'tasks' && depth === 3)
    return { view: 'hive-task-view', tab: 'work', id: third };
  if (first === 'work' && depth === 2 && (second === 'goals' || second === 'tasks')) {
    return { view: 'hive-work-view', tab: 'work', id: second };
  }
  if (first === 'fleet' && depth === 1) return { view: 'hive-fleet-view', tab: 'fleet', id: '' };
  if (first === 'fleet' && depth === 2) return { view: 'hive-agent-view', tab: 'fleet', id: second };
  if (first === 'settings' && depth === 1) return { view: 'hive-settings-view', tab: undefined, id: '' };
  if (first === 'outbox' && depth === 1) return { view: 'hive-outbox-view', tab: undefined, id: '' };
  return missing;
}

/** Undefined when the path is no valid encoding: someone cut an address in half. */
function decodeParts(path: string): string[] | undefined {
  try {
    return path.split('/').slice(1).map(decodeURIComponent);
  } catch {
    return undefined;
  }
}

/** Loads the code of a view; each is its own file on the wire. */
export const loadView: Record<Route['view'], () => Promise<unknown>> = {
  'hive-dispatch-view': () => import('./views/dispatch-view.ts'),
  'hive-work-view': () => import('./views/work-view.ts'),
  'hive-goal-view': () => import('./views/goal-view.ts'),
  'hive-task-view': () => import('./views/task-view.ts'),
  'hive-fleet-view': () => import('./views/fleet-view.ts'),
  'hive-agent-view': () => import('./views/agent-view.ts'),
  'hive-settings-view': () => import('./views/settings-view.ts'),
  'hive-outbox-view': () => import('./views/outbox-view.ts'),
  'hive-missing-view': () => import('./views/missing-view.ts'),
};

export const goalPath = (id: string): string => `/work/goals/${encodeURIComponent(id)}`;
export const taskPath = (id: string): string => `/work/tasks/${encodeURIComponent(id)}`;
export const agentPath = (id: string): string => `/fleet/${encodeURIComponent(id)}`;
export const dispatchPath = (id: string): string => `/dispatch/${encodeURIComponent(id)}`;

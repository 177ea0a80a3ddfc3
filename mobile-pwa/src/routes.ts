export type Tab = 'fleet' | 'dispatch' | 'work';

export interface Route {
  /** The element that shows it. */
  view: keyof typeof loadView;
  tab: Tab | undefined;
  id: string;
  /** A page for whoever is not in yet: no tabs, no data, no connection. */
  bare?: true;
}

/** Pages of one path each. */
const PAGES: Readonly<Record<string, Route>> = {
  '': { view: 'hive-dispatch-view', tab: 'dispatch', id: '' },
  dispatch: { view: 'hive-dispatch-view', tab: 'dispatch', id: '' },
  work: { view: 'hive-work-view', tab: 'work', id: '' },
  'work/goals': { view: 'hive-work-view', tab: 'work', id: 'goals' },
  'work/tasks': { view: 'hive-work-view', tab: 'work', id: 'tasks' },
  fleet: { view: 'hive-fleet-view', tab: 'fleet', id: '' },
  outbox: { view: 'hive-outbox-view', tab: undefined, id: '' },
  settings: { view: 'hive-settings-view', tab: undefined, id: '' },
  'settings/security': { view: 'hive-security-view', tab: undefined, id: '' },
  'settings/sessions': { view: 'hive-sessions-view', tab: undefined, id: '' },
  'settings/workspace': { view: 'hive-workspace-view', tab: undefined, id: '' },
  'settings/members': { view: 'hive-members-view', tab: undefined, id: '' },
  'settings/members/invite': { view: 'hive-invite-view', tab: undefined, id: '' },
  'settings/keys': { view: 'hive-keys-view', tab: undefined, id: '' },
  'settings/keys/new': { view: 'hive-key-form-view', tab: undefined, id: '' },
  'settings/audit': { view: 'hive-audit-view', tab: undefined, id: '' },
  'settings/secrets': { view: 'hive-secrets-view', tab: undefined, id: '' },
  'settings/models': { view: 'hive-models-view', tab: undefined, id: '' },
  'settings/projects': { view: 'hive-projects-view', tab: undefined, id: '' },
  'settings/privacy': { view: 'hive-privacy-view', tab: undefined, id: '' },
  'settings/about': { view: 'hive-about-view', tab: undefined, id: '' },
  'sign-in': { view: 'hive-sign-in-view', tab: undefined, id: '', bare: true },
  setup: { view: 'hive-setup-view', tab: undefined, id: '', bare: true },
  pair: { view: 'hive-pair-view', tab: undefined, id: '', bare: true },
  join: { view: 'hive-join-view', tab: undefined, id: '', bare: true },
};

/** Pages of one thing: the last part of the path is its id. */
const THINGS: Readonly<Record<string, Omit<Route, 'id'>>> = {
  dispatch: { view: 'hive-dispatch-view', tab: 'dispatch' },
  'work/goals': { view: 'hive-goal-view', tab: 'work' },
  'work/tasks': { view: 'hive-task-view', tab: 'work' },
  fleet: { view: 'hive-agent-view', tab: 'fleet' },
  'settings/members': { view: 'hive-member-view', tab: undefined },
};

/** Which view a path shows. Ids are opaque and may hold any character but a slash. */
export function matchRoute(path: string): Route {
  const missing: Route = { view: 'hive-missing-view', tab: undefined, id: '' };
  const parts = decodeParts(path)?.filter((part, index, all) => part !== '' || index < all.length - 1);
  if (!parts) return missing;
  const page = own(PAGES, parts.join('/'));
  if (page) return page;
  const id = parts.at(-1) ?? '';
  const thing = own(THINGS, parts.slice(0, -1).join('/'));
  return thing && id !== '' ? { ...thing, id } : missing;
}

/** Whether a path is one of ours, and none of the server's own pages. */
export function isAppPath(path: string): boolean {
  const [first = ''] = path.split('/').slice(1);
  return Object.keys(PAGES).some((page) => page.split('/', 1)[0] === first);
}

function own<T>(table: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
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
export const loadView = {
  'hive-dispatch-view': () => import('./views/dispatch-view.ts'),
  'hive-work-view': () => import('./views/work-view.ts'),
  'hive-goal-view': () => import('./views/goal-view.ts'),
  'hive-task-view': () => import('./views/task-view.ts'),
  'hive-fleet-view': () => import('./views/fleet-view.ts'),
  'hive-agent-view': () => import('./views/agent-view.ts'),
  'hive-settings-view': () => import('./views/settings-view.ts'),
  'hive-security-view': () => import('./views/security-view.ts'),
  'hive-sessions-view': () => import('./views/sessions-view.ts'),
  'hive-workspace-view': () => import('./views/workspace-view.ts'),
  'hive-members-view': () => import('./views/members-view.ts'),
  'hive-member-view': () => import('./views/member-view.ts'),
  'hive-invite-view': () => import('./views/invite-view.ts'),
  'hive-keys-view': () => import('./views/keys-view.ts'),
  'hive-key-form-view': () => import('./views/key-form-view.ts'),
  'hive-audit-view': () => import('./views/audit-view.ts'),
  'hive-secrets-view': () => import('./views/secrets-view.ts'),
  'hive-models-view': () => import('./views/models-view.ts'),
  'hive-projects-view': () => import('./views/projects-view.ts'),
  'hive-privacy-view': () => import('./views/privacy-view.ts'),
  'hive-about-view': () => import('./views/about-view.ts'),
  'hive-sign-in-view': () => import('./views/sign-in-view.ts'),
  'hive-setup-view': () => import('./views/setup-view.ts'),
  'hive-pair-view': () => import('./views/pair-view.ts'),
  'hive-join-view': () => import('./views/join-view.ts'),
  'hive-outbox-view': () => import('./views/outbox-view.ts'),
  'hive-missing-view': () => import('./views/missing-view.ts'),
} satisfies Record<`hive-${string}-view`, () => Promise<unknown>>;

export const goalPath = (id: string): string => `/work/goals/${encodeURIComponent(id)}`;
export const taskPath = (id: string): string => `/work/tasks/${encodeURIComponent(id)}`;
export const agentPath = (id: string): string => `/fleet/${encodeURIComponent(id)}`;
export const memberPath = (id: string): string => `/settings/members/${encodeURIComponent(id)}`;
export const dispatchPath = (id: string): string => `/dispatch/${encodeURIComponent(id)}`;

/** The sign-in page, which leads back to where the person was. */
export const signInPath = (back: string): string =>
  back === '/' ? '/sign-in' : `/sign-in?to=${encodeURIComponent(back)}`;

/** Where to go on after signing in: only ever a page of this app, whatever somebody wrote into a link. */
export function pathAfterSignIn(search: string): string {
  const to = new URLSearchParams(search).get('to') ?? '/';
  // "//host" and "/\host" are other sites to a browser.
  if (!/^\/(?![/\\])/.test(to) || /[\t\n\r]/.test(to)) return '/';
  const path = to.split(/[?#]/, 1)[0] ?? '/';
  const route = matchRoute(path);
  // An invitation waits for somebody with an account; the others of these pages would lead round in a circle.
  if (route.view === 'hive-join-view') return '/join';
  return route.bare || route.view === 'hive-missing-view' ? '/' : to;
}

/** Whose data a page shows: a person in one workspace, or whoever is at the machine of a hive without an owner. */
export interface Identity {
  /** Null: nobody signed in, the machine itself. */
  userId: string | null;
  /** Null while it is not known which workspace the server will choose. */
  workspaceId: string | null;
  /** How to call the person on the sign-in page. */
  name: string | null;
  /** The session has ended here; what was left unsent waits for the same person. */
  ended: boolean;
}

const IDENTITY_KEY = 'hive-identity';
const FORGET_KEY = 'hive-forget';

/** The names under which a browser keeps what belongs to one identity, and to no other. */
export interface StoreNames {
  /** The app's own database: outbox, event cursor, who was signed in. */
  app: string;
  /** graphcache's database. */
  cache: string;
  /** What tells locks and channels of identities apart. */
  scope: string;
}

/** Each person has stores of their own in each workspace; whoever is at the machine has the first ones. */
export function storeNames({ userId, workspaceId }: Pick<Identity, 'userId' | 'workspaceId'>): StoreNames {
  if (userId === null) return { app: 'hive', cache: 'hive-graphcache', scope: '' };
  const scope = `:${userId}:${workspaceId ?? ''}`;
  return { app: `hive${scope}`, cache: `hive-graphcache${scope}`, scope };
}

/** The app databases of a person, one for each workspace, and nobody else's. */
export function appStoresOf(userId: string, names: readonly string[]): string[] {
  return names.filter((name) => name.startsWith(`hive:${userId}:`));
}

export function cacheStoresOf(userId: string, names: readonly string[]): string[] {
  return names.filter((name) => name.startsWith(`hive-graphcache:${userId}:`));
}

export function isSamePlace(a: Identity, b: Pick<Identity, 'userId' | 'workspaceId'>): boolean {
  return a.userId === b.userId && (a.userId === null || a.workspaceId === b.workspaceId);
}

/** @returns undefined when nobody has used the app here, or what is kept is not ours to read */
export function parseIdentity(text: string | null): Identity | undefined {
  try {
    const value = JSON.parse(text ?? 'null') as Partial<Record<keyof Identity, unknown>> | null;
    if (typeof value !== 'object' || value === null) return undefined;
    const textOrNull = (field: unknown) => (typeof field === 'string' ? field : null);
    return {
      userId: textOrNull(value.userId),
      workspaceId: textOrNull(value.workspaceId),
      name: textOrNull(value.name),
      ended: value.ended === true,
    };
  } catch {
    return undefined;
  }
}

export function readIdentity(): Identity | undefined {
  return parseIdentity(localStorage.getItem(IDENTITY_KEY));
}

export function saveIdentity(identity: Identity | undefined): void {
  if (identity) localStorage.setItem(IDENTITY_KEY, JSON.stringify(identity));
  else localStorage.removeItem(IDENTITY_KEY);
}

/**
 * Has databases emptied before anything reads them again. A page that is being left may still write: only the next
 * start can be sure.
 */
export function forgetAtNextStart(names: readonly string[]): void {
  localStorage.setItem(FORGET_KEY, JSON.stringify([...new Set([...listForgotten(), ...names])]));
}

/** @returns the databases to empty, once */
export function takeForgotten(): string[] {
  const names = listForgotten();
  localStorage.removeItem(FORGET_KEY);
  return names;
}

function listForgotten(): string[] {
  try {
    const names: unknown = JSON.parse(localStorage.getItem(FORGET_KEY) ?? '[]');
    return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : [];
  } catch {
    return [];
  }
}

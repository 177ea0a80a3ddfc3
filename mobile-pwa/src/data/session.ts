import { Client, fetchExchange } from '@urql/core';
import { viewerQuery } from '@hive/schema/operations/viewer.ts';
import { textOf } from './text-of.ts';
import { listDatabases, openDatabase } from './database.ts';
import {
  appStoresOf,
  cacheStoresOf,
  forgetAtNextStart,
  isSamePlace,
  readIdentity,
  saveIdentity,
  storeNames,
  type Identity,
  type StoreNames,
} from './identity.ts';
import { allowanceOf, parseViewer, type Allowance, type Viewer } from './viewer.ts';

/**
 * `checking`: the app has never been used here and asks who this is. `in`: the app is open, for a person or for the
 * machine itself; without a network this is what was true last. `out`: nobody, only the pages for signing in.
 */
export type SessionStatus = 'checking' | 'in' | 'out';

const VIEWER_KEY = 'viewer';
const ASK_TIMEOUT_MS = 15_000;
const NOBODY: Identity = { userId: null, workspaceId: null, name: null, ended: false };

type Asked =
  | { kind: 'viewer'; viewer: Viewer }
  | { kind: 'unauthenticated' }
  | { kind: 'forbidden'; message: string }
  | { kind: 'unknown' };

/**
 * Who uses the app, in which workspace, and what they may do. A page belongs to one identity from its start to its
 * end: whenever it turns out to be another, the page is loaded anew, so that nothing in memory outlives its owner.
 */
export class Session extends EventTarget {
  /** Whose stores this page has opened. */
  readonly identity: Identity;
  readonly stores: StoreNames;
  #status: SessionStatus;
  #started = false;
  /** The person has signed out: whatever the server says now is about a page that is going away. */
  #left = false;
  #verified = false;
  #viewer: Viewer | undefined;
  #isMember = true;
  #verifying: Promise<void> | undefined;
  readonly #channel = new BroadcastChannel('hive-session');

  constructor() {
    super();
    const known = readIdentity();
    this.identity = known ?? NOBODY;
    this.stores = storeNames(this.identity);
    this.#status = known && !known.ended ? 'in' : 'checking';
    // Another tab has signed in or out: what this page shows belongs to somebody else now. A page for signing in shows
    // nothing of anybody's, and may hold recovery codes that nobody has read yet: it decides for itself (`elsewhere`).
    this.#channel.addEventListener('message', () => {
      if (this.#started) location.reload();
      else this.dispatchEvent(new Event('elsewhere'));
    });
  }

  get status(): SessionStatus {
    return this.#status;
  }

  /** The server has confirmed that the cookie and the stores belong to the same identity. */
  get verified(): boolean {
    return this.#verified;
  }

  get viewer(): Viewer | undefined {
    return this.#viewer;
  }

  /** Somebody was in here and is not any more, without having signed out. */
  get hasEnded(): boolean {
    return readIdentity()?.ended === true;
  }

  /** False for somebody the server knows, but in no workspace any more. */
  get isMember(): boolean {
    return this.#isMember;
  }

  /** Whoever is at the machine, in a hive that has no owner yet. */
  get isLocal(): boolean {
    return this.#viewer?.actorKind === 'LOCAL';
  }

  /** Says to the server in which workspace requests are meant; empty for whoever has no choice. */
  get headers(): Record<string, string> {
    const { userId, workspaceId } = this.identity;
    return userId !== null && workspaceId !== null ? { 'x-hive-workspace': workspaceId } : {};
  }

  /** The same for a socket. */
  get connectionParams(): Record<string, string> {
    const { userId, workspaceId } = this.identity;
    return userId !== null && workspaceId !== null ? { workspace: workspaceId } : {};
  }

  /** Whether the person may take an action, for example `goal.dispatch`, and why not; in one project when it is given. */
  may(action: string, projectId?: string | null): Allowance {
    return allowanceOf(this.#viewer, action, projectId);
  }

  /**
   * Takes up what was known at the last visit, then asks the server. Not called on the pages for signing in: an account
   * that comes into being there must not have its page loaded anew before its recovery codes were read.
   */
  async start(): Promise<void> {
    if (this.#started) return;
    this.#started = true;
    this.#changed();
    window.addEventListener('pageshow', (event) => {
      // A page from the browser's memory may belong to somebody who has left.
      if (event.persisted) location.reload();
    });
    const stored = this.#status === 'in' ? this.#restore() : undefined;
    await this.verify();
    await stored;
  }

  /** Resolves once somebody is in; a socket waits for that instead of being refused over and over. */
  async whenIn(): Promise<void> {
    while (!this.#started || this.#status !== 'in') {
      await new Promise((resolve) => this.addEventListener('change', resolve, { once: true }));
    }
  }

  /** Asks the server who this is: after a refusal, and when the connection is back. Several at once ask once. */
  verify(): Promise<void> {
    if (this.#left) return Promise.resolve();
    this.#verifying ??= this.#ask().finally(() => {
      this.#verifying = undefined;
    });
    return this.#verifying;
  }

  /**
   * Goes in after signing in, as whoever the server says.
   * @param workspaceName where to, for somebody who has just joined it
   * @returns why not; nothing when the page is being left
   */
  async enter(path: string, workspaceName?: string): Promise<{ code: string; message: string } | undefined> {
    const workspaceId = this.identity.workspaceId;
    let asked = await askViewer(workspaceId);
    if (asked.kind === 'forbidden' && workspaceId !== null) asked = await askViewer(null);
    if (asked.kind === 'viewer') {
      const identity = identityOf(asked.viewer);
      const joined = asked.viewer.workspaces.find(({ name }) => name === workspaceName);
      // No step back to the page for coming in: it would show a code to pair with, or ask to sign in again.
      this.#moveTo(joined ? { ...identity, workspaceId: joined.workspaceId } : identity, path, true);
      return undefined;
    }
    if (asked.kind === 'forbidden') return { code: 'NOT_A_MEMBER', message: asked.message };
    if (asked.kind === 'unauthenticated')
      return {
        code: 'UNAUTHENTICATED',
        message: 'This browser did not keep the sign-in. Are cookies allowed here?',
      };
    return { code: 'NETWORK', message: 'You are signed in, but the hive did not answer. Try again.' };
  }

  /** Opens another workspace of the same person. */
  switchWorkspace(workspaceId: string, path = '/'): void {
    if (workspaceId === this.identity.workspaceId) return;
    this.#moveTo({ ...this.identity, workspaceId, ended: false }, path);
  }

  /** How many actions of the person wait on this device, in all workspaces. */
  async countUnsent(): Promise<number> {
    const names = await this.#ownAppStores();
    const counts = await Promise.all(
      names.map(async (name) => {
        const database = await openDatabase(name);
        const count = await database.count('outbox');
        database.close();
        return count;
      }),
    );
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /**
   * Empties what this device keeps of the person and shows the sign-in page. The server has ended the session before.
   * @param options.path where to instead, for somebody who has a link that waits for another person
   */
  async leave(options: { discardUnsent: boolean; path?: string }): Promise<void> {
    this.#left = true;
    await this.#forget(options.discardUnsent);
    saveIdentity(undefined);
    forgetDrafts();
    this.#channel.postMessage('left');
    leaveFor(options.path ?? '/sign-in', true);
  }

  async #ask(): Promise<void> {
    const asked = await askViewer(this.identity.userId === null ? null : this.identity.workspaceId);
    if (asked.kind === 'viewer') return this.#adopt(asked.viewer);
    if (asked.kind === 'unauthenticated') return this.#end();
    if (asked.kind === 'forbidden') return this.#leaveWorkspace();
    // Unreachable: whoever has used the app here goes on with what is there.
    if (this.#status === 'checking') this.#set(this.identity.ended ? 'out' : 'in');
  }

  #adopt(viewer: Viewer): void {
    const identity = identityOf(viewer);
    if (this.identity.ended || !isSamePlace(this.identity, identity)) {
      // Coming back as oneself is the same place, but the page was opened as nobody's.
      this.#moveTo(identity, location.pathname + location.search + location.hash);
      return;
    }
    saveIdentity(identity);
    const before = JSON.stringify([this.#viewer?.role, this.#viewer?.permissions]);
    const after = JSON.stringify([viewer.role, viewer.permissions]);
    const changed = this.#viewer !== undefined && before !== after;
    this.#viewer = viewer;
    this.#verified = true;
    void this.#store(viewer);
    this.#set('in');
    // What may be seen is another thing now.
    if (changed) this.dispatchEvent(new Event('authority'));
  }

  /** Not a member here any more: the workspace the server chooses instead, if there is one. */
  async #leaveWorkspace(): Promise<void> {
    const asked = await askViewer(null);
    if (asked.kind === 'viewer') {
      forgetAtNextStart([this.stores.cache]);
      this.#moveTo(identityOf(asked.viewer), '/');
    } else if (asked.kind !== 'unknown') {
      this.#isMember = asked.kind !== 'forbidden';
      await this.#end();
    }
  }

  async #end(): Promise<void> {
    this.#verified = false;
    if (readIdentity()) {
      // Whoever holds this device may not be who it was: only what waits to be sent stays, unseen.
      await this.#forget(false);
      if (this.#left) return;
      saveIdentity({ ...this.identity, ended: true });
    }
    this.#set('out');
  }

  async #forget(discardUnsent: boolean): Promise<void> {
    const { userId } = this.identity;
    const all = await listDatabases();
    const caches = userId === null ? [this.stores.cache] : cacheStoresOf(userId, all);
    forgetAtNextStart([...new Set([...caches, this.stores.cache])]);
    this.#viewer = undefined;
    for (const name of await this.#ownAppStores()) {
      const database = await openDatabase(name);
      await database.clear('meta');
      if (discardUnsent) await database.clear('outbox');
      database.close();
    }
  }

  async #ownAppStores(): Promise<string[]> {
    const { userId } = this.identity;
    const own = userId === null ? [] : appStoresOf(userId, await listDatabases());
    return [...new Set([...own, this.stores.app])];
  }

  #moveTo(identity: Identity, path: string, replace = false): void {
    const before = readIdentity();
    if (before && before.userId !== identity.userId) {
      forgetDrafts();
      // From here on everybody signs in: what the machine kept for whoever sat there is nobody's.
      if (before.userId === null) forgetAtNextStart([storeNames(before).cache]);
    }
    saveIdentity(identity);
    this.#channel.postMessage('moved');
    leaveFor(path, replace);
  }

  async #restore(): Promise<void> {
    const database = await openDatabase(this.stores.app);
    const viewer = parseViewer(await database.get('meta', VIEWER_KEY));
    database.close();
    if (this.#viewer || !viewer) return;
    this.#viewer = viewer;
    this.#changed();
  }

  async #store(viewer: Viewer): Promise<void> {
    const database = await openDatabase(this.stores.app);
    await database.put('meta', viewer, VIEWER_KEY);
    database.close();
  }

  #set(status: SessionStatus): void {
    this.#status = status;
    this.#changed();
  }

  #changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}

/** Loads a page anew, whether it is another one or the same. @param replace leaves no step back to this one */
function leaveFor(path: string, replace: boolean): void {
  if (path === location.pathname + location.search + location.hash) location.reload();
  else if (replace) location.replace(path);
  else location.assign(path);
}

/** What somebody typed and chose here. */
function forgetDrafts(): void {
  sessionStorage.removeItem('hive-goal-draft');
  localStorage.removeItem('hive-goal-project');
}

function identityOf(viewer: Viewer): Identity {
  const { person, workspaceId, actorKind } = viewer;
  if (actorKind === 'LOCAL' || !person) return { ...NOBODY, workspaceId };
  return { userId: person.id, workspaceId, name: person.name, ended: false };
}

/** Asks past every cache: an answer about one person must not end up among the data of another. */
async function askViewer(workspaceId: string | null): Promise<Asked> {
  const client = new Client({
    url: new URL('/graphql', location.href).href,
    preferGetMethod: false,
    exchanges: [fetchExchange],
    fetchOptions: () => ({
      signal: AbortSignal.timeout(ASK_TIMEOUT_MS),
      headers: workspaceId === null ? {} : { 'x-hive-workspace': workspaceId },
    }),
  });
  const { data, error } = await client.query(viewerQuery, {}).toPromise();
  const viewer = parseViewer(data?.viewer);
  if (viewer) return { kind: 'viewer', viewer };
  const first = error?.graphQLErrors[0];
  const status = (error?.response as Response | undefined)?.status;
  const code = textOf(first?.extensions['code'], '');
  if (code === 'UNAUTHENTICATED' || status === 401) return { kind: 'unauthenticated' };
  if (code === 'FORBIDDEN' || status === 403) return { kind: 'forbidden', message: first?.message ?? '' };
  return { kind: 'unknown' };
}

export const session = new Session();

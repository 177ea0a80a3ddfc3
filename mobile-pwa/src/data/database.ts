import type { OutboxEntry } from './outbox-entry.ts';

interface Stores {
  outbox: OutboxEntry;
  meta: unknown;
}

/** One identity's database, as promises: six operations, each a transaction of its own. */
export interface HiveDatabase {
  get(store: 'meta', key: string): Promise<unknown>;
  getAll(store: 'outbox'): Promise<OutboxEntry[]>;
  count(store: keyof Stores): Promise<number>;
  /** The key only where the value does not hold it. Resolves when it is written, not when it is queued. */
  put<Name extends keyof Stores>(store: Name, value: Stores[Name], key?: string): Promise<void>;
  delete(store: keyof Stores, key: string): Promise<void>;
  clear(store: keyof Stores): Promise<void>;
  close(): void;
}

/** Opens an identity's database: the outbox and small values such as the event cursor. graphcache keeps its own. */
export async function openDatabase(name: string): Promise<HiveDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore('outbox', { keyPath: 'id' });
    request.result.createObjectStore('meta');
  };
  const database = await settled(request);
  const read = <T>(store: string, ask: (rows: IDBObjectStore) => IDBRequest<T>): Promise<T> =>
    settled(ask(database.transaction(store).objectStore(store)));
  const write = (store: string, change: (rows: IDBObjectStore) => IDBRequest): Promise<void> =>
    new Promise((resolve, reject) => {
      const transaction = database.transaction(store, 'readwrite');
      transaction.oncomplete = () => resolve();
      transaction.onabort = transaction.onerror = () =>
        reject(transaction.error ?? new Error(`Nothing was written to ${name}.`));
      change(transaction.objectStore(store));
    });
  return {
    get: (store, key) => read(store, (rows) => rows.get(key) as IDBRequest<unknown>),
    getAll: (store) => read(store, (rows) => rows.getAll() as IDBRequest<OutboxEntry[]>),
    count: (store) => read(store, (rows) => rows.count()),
    put: (store, value, key) => write(store, (rows) => rows.put(value, key)),
    delete: (store, key) => write(store, (rows) => rows.delete(key)),
    clear: (store) => write(store, (rows) => rows.clear()),
    close: () => database.close(),
  };
}

/** Names of all databases of this origin; none where the browser does not tell. */
export async function listDatabases(): Promise<string[]> {
  const databases = (await indexedDB.databases?.()) ?? [];
  return databases.flatMap(({ name }) => (name === undefined ? [] : [name]));
}

function settled<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error('The browser keeps nothing for this page.'));
  });
}

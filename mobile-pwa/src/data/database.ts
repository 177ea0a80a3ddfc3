import { openDB, type DBSchema, type IDBPDatabase } from 'idb';
import type { OutboxEntry } from './outbox-entry.ts';

interface HiveSchema extends DBSchema {
  outbox: { key: string; value: OutboxEntry };
  meta: { key: string; value: unknown };
}

export type HiveDatabase = IDBPDatabase<HiveSchema>;

/** Opens the app's own database: the outbox and small values such as the event cursor. graphcache keeps its own. */
export function openDatabase(): Promise<HiveDatabase> {
  return openDB<HiveSchema>('hive', 1, {
    upgrade(database) {
      database.createObjectStore('outbox', { keyPath: 'id' });
      database.createObjectStore('meta');
    },
  });
}

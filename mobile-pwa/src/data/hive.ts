import type { Client } from '@urql/core';
import type { Client as SocketClient } from 'graphql-ws/client';
import { classifyAnswer } from './answer.ts';
import { createCache } from './cache.ts';
import { createClient } from './client.ts';
import { Connection } from './connection.ts';
import { openDatabase } from './database.ts';
import type { SavedCursor } from './event-cursor.ts';
import { LiveEvents } from './live-events.ts';
import { exclusively } from './exclusively.ts';
import { mutationDocuments } from './mutations.ts';
import { newId } from './new-id.ts';
import { Outbox } from './outbox.ts';
import type { Answer, OutboxEntry } from './outbox-entry.ts';
import { takeForgotten } from './identity.ts';
import { session } from './session.ts';
import { createSocket } from './socket.ts';

/** The app's one connection to its hive: everything views and controllers talk to. */
export interface Hive {
  client: Client;
  socket: SocketClient;
  connection: Connection;
  live: LiveEvents;
  outbox: Outbox;
  /** Resolves once the cache holds what was kept from the last visit; a query before that would miss it. */
  ready: Promise<void>;
  /** Fires `refresh` when everything on screen must be read again. */
  signals: EventTarget;
}

const CURSOR_KEY = 'event-cursor';
const LAST_LIVE_KEY = 'last-live-at';
const HYDRATION_LIMIT_MS = 1_000;

async function sendMutation(client: Client, entry: OutboxEntry): Promise<Answer> {
  const document = mutationDocuments[entry.kind];
  const variables = { input: { ...entry.input, idempotencyKey: entry.id } };
  const outcome = await client.mutation<unknown>(document, variables).toPromise();
  return classifyAnswer(outcome);
}

function createOutbox(
  client: Client,
  database: ReturnType<typeof openDatabase>,
  connection: Connection,
): Outbox {
  // What one person left to be sent is sent for nobody else: store, lock and channel are theirs alone.
  const { scope } = session.stores;
  const channel = new BroadcastChannel(`hive-outbox${scope}`);
  const outbox = new Outbox({
    store: {
      list: async () => (await database).getAll('outbox'),
      put: async (entry) => (await database).put('outbox', entry),
      delete: async (id) => (await database).delete('outbox', id),
    },
    send: (entry) => sendMutation(client, entry),
    exclusive: (entity, work) => exclusively(`hive-outbox${scope}:${entity}`, work),
    // A hive on this very machine answers without any network. Nothing leaves before it is certain whose it is.
    isOnline: () => session.verified && (navigator.onLine || connection.status === 'live'),
    now: () => Date.now(),
    random: Math.random,
    newId,
    schedule: (work, delayMs) => void setTimeout(work, delayMs),
    announce: () => channel.postMessage('changed'),
  });
  // The tab that took the action may be gone: whoever hears of it sends it, and the lock sees to it that one does.
  channel.addEventListener('message', () => void outbox.start());
  return outbox;
}

function createHive(): Hive {
  const forgotten = takeForgotten();
  for (const name of forgotten) if (name !== session.stores.cache) indexedDB.deleteDatabase(name);
  const database = openDatabase(session.stores.app);
  const connection = new Connection();
  const signals = new EventTarget();
  const url = new URL('/graphql', location.href);
  const socketUrl = new URL(url);
  socketUrl.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  const refresh = () => void signals.dispatchEvent(new Event('refresh'));

  const saveLastLive = () => {
    const { lastLiveAt } = connection;
    if (lastLiveAt !== null) void database.then((open) => open.put('meta', lastLiveAt, LAST_LIVE_KEY));
  };

  // The client needs the socket, which reports to the connection; nothing is sent before start().
  let wasLive = false;
  connection.addEventListener('change', () => {
    if (connection.status === 'live') {
      if (wasLive) refresh();
      wasLive = true;
      if (!session.verified) void session.verify();
      hive.outbox.kick();
    }
    saveLastLive();
  });
  addEventListener('pagehide', saveLastLive);
  const hydrated = Promise.withResolvers<void>();
  // A browser that blocks its database must not keep the app from starting.
  setTimeout(hydrated.resolve, HYDRATION_LIMIT_MS);
  const socket = createSocket(
    {
      url: async () => {
        await session.whenIn();
        return socketUrl.href;
      },
      connectionParams: () => session.connectionParams,
      onForbidden: () => void session.verify(),
    },
    connection,
  );
  const client = createClient({
    url: url.href,
    socket,
    cache: createCache({
      name: session.stores.cache,
      empty: forgotten.includes(session.stores.cache),
      onHydrated: hydrated.resolve,
    }),
    headers: () => session.headers,
    onUnauthenticated: () => void session.verify(),
  });
  const live = new LiveEvents({
    client,
    load: async () => (await (await database).get('meta', CURSOR_KEY)) as SavedCursor | undefined,
    save: async (saved) => {
      const open = await database;
      await open.put('meta', saved, CURSOR_KEY);
      await open.put('meta', saved.savedAt, LAST_LIVE_KEY);
    },
    onHole: refresh,
    onFollowing: (following) => connection.following(following),
  });
  const outbox = createOutbox(client, database, connection);
  void database
    .then((open) => open.get('meta', LAST_LIVE_KEY))
    .then((at) => connection.restore(typeof at === 'number' ? at : null));
  addEventListener('online', () => outbox.kick());
  session.addEventListener('change', () => {
    if (session.status === 'out') socket.terminate();
    else if (session.verified) outbox.kick();
  });
  session.addEventListener('authority', refresh);
  const hive: Hive = { client, socket, connection, live, outbox, ready: hydrated.promise, signals };
  return hive;
}

export const hive = createHive();

/** Begins to follow the log and to send what waits, once somebody is in. */
export function startHive(): void {
  void hive.outbox.reload();
  void Promise.all([hive.ready, session.whenIn()]).then(() => {
    void hive.live.start();
    void hive.outbox.start();
  });
}

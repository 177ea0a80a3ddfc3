import { createClient, type Client } from 'graphql-ws/client';
import { backoffMs } from './backoff.ts';
import type { Connection } from './connection.ts';

/** How often the phone asks whether the server is still there. */
const KEEP_ALIVE_MS = 12_000;
/** How long an answer to that may take before the socket counts as dead: a phone in a lift gets no close frame. */
const PONG_TIMEOUT_MS = 5_000;
/** A socket is trusted after the page was hidden for this long at most. */
const TRUSTED_HIDDEN_MS = 20_000;

/** What the server closes a socket with when its session has ended, or may do something else than before. */
const FORBIDDEN = 4403;

interface SocketOptions {
  /** Resolves once somebody is in: nobody's sockets are only refused. */
  url: () => Promise<string>;
  connectionParams: () => Record<string, string>;
  onForbidden: () => void;
}

/** The one WebSocket of the app. It reconnects for as long as the page lives. */
export function createSocket(options: SocketOptions, connection: Connection): Client {
  let pongTimer: ReturnType<typeof setTimeout> | undefined;
  let wake: (() => void) | undefined;
  const client = createClient({
    url: options.url,
    connectionParams: options.connectionParams,
    lazy: false,
    keepAlive: KEEP_ALIVE_MS,
    retryAttempts: Infinity,
    shouldRetry: () => true,
    retryWait: (retries) =>
      new Promise((resolve) => {
        wake = resolve;
        setTimeout(resolve, backoffMs(retries, Math.random, 300, 10_000));
      }),
    // Fatal close codes land here; the live-events loop subscribes again, which connects again.
    onNonLazyError: () => connection.lost(),
    on: {
      connected: () => connection.opened(),
      closed: (event) => {
        clearTimeout(pongTimer);
        connection.lost();
        if ((event as { code?: unknown } | undefined)?.code === FORBIDDEN) options.onForbidden();
      },
      error: () => connection.lost(),
      ping: (received) => {
        if (received) return;
        clearTimeout(pongTimer);
        pongTimer = setTimeout(() => client.terminate(), PONG_TIMEOUT_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(pongTimer);
      },
    },
  });
  addEventListener('online', () => wake?.());
  addEventListener('offline', () => client.terminate());
  let hiddenAt = 0;
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'hidden') {
      hiddenAt = Date.now();
      return;
    }
    // Timers of a hidden page are throttled: coming back to the app must not wait for the rest of a backoff. And a
    // phone that slept holds sockets that only look open; to open another and resume by cursor costs less than to ask.
    wake?.();
    if (connection.status === 'live' && Date.now() - hiddenAt > TRUSTED_HIDDEN_MS) client.terminate();
  });
  return client;
}

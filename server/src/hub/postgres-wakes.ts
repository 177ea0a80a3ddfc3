import pg from 'pg';
import { backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { wakeChannelName, type WakeHandlers, type WakeTransport } from './wake-transport.ts';

export interface PostgresWakesOptions {
  /** For the connection that listens. */
  connection: pg.ClientConfig;
  pool: pg.Pool;
  clock: Clock;
  log: Logger;
}

const reconnect = { initialMs: 200, factor: 2, maxMs: 5_000 };

/** LISTEN and NOTIFY on the database everyone shares anyway. */
export class PostgresWakes implements WakeTransport {
  readonly #options: PostgresWakesOptions;
  readonly #stopping = new AbortController();
  #listening: Promise<void> = Promise.resolve();

  constructor(options: PostgresWakesOptions) {
    this.#options = options;
  }

  /** A NOTIFY needs no listener of ours, only the pool. */
  get ready(): boolean {
    return !this.#stopping.signal.aborted;
  }

  start(handlers: WakeHandlers): void {
    this.#listening = this.#listen(handlers);
  }

  async publish(payloads: readonly string[]): Promise<void> {
    await this.#options.pool.query(`select pg_notify($1, payload) from unnest($2::text[]) payload`, [
      wakeChannelName,
      payloads,
    ]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#listening;
  }

  async #listen(handlers: WakeHandlers): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await this.#listenOnce(handlers, () => (failures = 0));
      } catch (error) {
        log.debug({ error: messageOf(error) }, 'PostgreSQL wake channel lost; polling until it is back');
      }
      if (!signal.aborted) await clock.sleep(backoffMs(reconnect, failures + 1), signal);
    }
  }

  async #listenOnce(handlers: WakeHandlers, onConnected: () => void): Promise<void> {
    const client = new pg.Client({
      ...this.#options.connection,
      application_name: 'agent-hive-wake',
      keepAlive: true,
    });
    const ended = new Promise<void>((resolve) => {
      client.once('end', resolve);
      client.on('error', () => resolve());
    });
    client.on('notification', ({ payload }) => handlers.onPayload(payload ?? ''));
    try {
      await client.connect();
      await client.query(`listen ${wakeChannelName}`);
      onConnected();
      handlers.onListening();
      const { signal } = this.#stopping;
      const aborted = new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        else signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await Promise.race([ended, aborted]);
    } finally {
      await client.end().catch(() => undefined);
    }
  }
}

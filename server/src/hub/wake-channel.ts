import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { backoffMs } from '../lib/backoff.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { isUuid } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';

export interface WakeChannelOptions {
  url: string;
  pool: pg.Pool;
  clock: Clock;
  log: Logger;
  /** Another process committed something. */
  onWake(): void;
  /** Another process canceled this task. */
  onCancel(taskId: string): void;
}

const channel = 'hive_wake';
/** NOTIFY takes a lock of the whole cluster at commit, so wakes are sent together, at most this often. */
const coalesceMs = 20;
const reconnect = { initialMs: 200, factor: 2, maxMs: 5_000 };

/**
 * Tells the other processes on this database that there is something to look at. A hint, never truth: every reader polls
 * as well, so a lost notification costs time and nothing else.
 */
export class WakeChannel {
  readonly #options: WakeChannelOptions;
  readonly #sender = randomUUID().slice(0, 8);
  readonly #stopping = new AbortController();
  readonly #cancels = new Set<string>();
  #listening: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WakeChannelOptions) {
    this.#options = options;
  }

  start(): void {
    this.#listening = this.#listen();
  }

  /** Something was committed here. */
  notify(): void {
    if (this.#stopping.signal.aborted) return;
    this.#timer ??= setTimeout(() => void this.#send(), coalesceMs);
  }

  notifyCancel(taskId: string): void {
    this.#cancels.add(taskId);
    this.notify();
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#listening;
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    const cancels = [...this.#cancels];
    this.#cancels.clear();
    // A payload holds 8,000 bytes: 100 ids leave room. Without an id it is a plain wake.
    const payloads = [];
    for (let start = 0; start < cancels.length || start === 0; start += 100) {
      payloads.push([this.#sender, ...cancels.slice(start, start + 100)].join(' '));
    }
    try {
      await this.#options.pool.query(`select pg_notify($1, payload) from unnest($2::text[]) payload`, [
        channel,
        payloads,
      ]);
    } catch (error) {
      this.#options.log.debug({ error: messageOf(error) }, 'wake not sent; the others find out by polling');
    }
  }

  async #listen(): Promise<void> {
    const { clock, log } = this.#options;
    const { signal } = this.#stopping;
    for (let failures = 0; !signal.aborted; failures += 1) {
      try {
        await this.#listenOnce(() => (failures = 0));
      } catch (error) {
        log.debug({ error: messageOf(error) }, 'wake channel lost; polling until it is back');
      }
      if (!signal.aborted) await clock.sleep(backoffMs(reconnect, failures + 1), signal);
    }
  }

  async #listenOnce(onConnected: () => void): Promise<void> {
    const client = new pg.Client({
      connectionString: this.#options.url,
      application_name: 'agent-hive-wake',
      connectionTimeoutMillis: 5_000,
      keepAlive: true,
    });
    const ended = new Promise<void>((resolve) => {
      client.once('end', resolve);
      client.on('error', () => resolve());
    });
    client.on('notification', ({ payload }) => this.#receive(payload ?? ''));
    try {
      await client.connect();
      await client.query(`listen ${channel}`);
      onConnected();
      // Whatever happened while nobody listened.
      this.#options.onWake();
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

  #receive(payload: string): void {
    const [sender, ...taskIds] = payload.split(' ');
    if (sender === this.#sender) return;
    for (const taskId of taskIds) if (isUuid(taskId)) this.#options.onCancel(taskId);
    this.#options.onWake();
  }
}

import { Redis } from 'ioredis';
import { backoffMs } from '../lib/backoff.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { wakeChannelName, type WakeHandlers, type WakeTransport } from './wake-transport.ts';

const reconnect = { initialMs: 200, factor: 2, maxMs: 5_000 };

/**
 * Publish and subscribe on Redis: takes no lock at commit, as NOTIFY does. Speed, never truth: while Redis is away the
 * other transport carries the wakes.
 */
export class RedisWakes implements WakeTransport {
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #log: Logger;

  constructor(options: { url: string; log: Logger }) {
    this.#log = options.log;
    const settings = {
      lazyConnect: true,
      // Fail at once instead of queueing: a wake that arrives late is worth nothing.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      connectTimeout: 5_000,
      retryStrategy: (tries: number) => backoffMs(reconnect, tries),
    };
    this.#publisher = new Redis(options.url, settings);
    this.#subscriber = new Redis(options.url, settings);
  }

  get ready(): boolean {
    return this.#publisher.status === 'ready' && this.#subscriber.status === 'ready';
  }

  start(handlers: WakeHandlers): void {
    for (const client of [this.#publisher, this.#subscriber]) {
      // Without a listener an error event ends the process.
      client.on('error', (error) =>
        this.#log.debug({ error: messageOf(error) }, 'Redis wake channel is away'),
      );
      client.connect().catch(() => undefined);
    }
    this.#subscriber.on('message', (_channel, payload) => handlers.onPayload(payload));
    this.#subscriber.on('ready', () => {
      this.#subscriber.subscribe(wakeChannelName).then(
        () => handlers.onListening(),
        (error: unknown) => this.#log.debug({ error: messageOf(error) }, 'Redis wake channel not subscribed'),
      );
    });
  }

  async publish(payloads: readonly string[]): Promise<void> {
    await Promise.all(payloads.map((payload) => this.#publisher.publish(wakeChannelName, payload)));
  }

  stop(): Promise<void> {
    this.#publisher.disconnect();
    this.#subscriber.disconnect();
    return Promise.resolve();
  }
}

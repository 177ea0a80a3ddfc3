import { randomUUID } from 'node:crypto';
import { messageOf } from '../lib/errors.ts';
import { isUuid } from '../lib/ids.ts';
import type { Logger } from '../lib/log.ts';
import type { WakeTransport } from './wake-transport.ts';

export interface WakeChannelOptions {
  /** All are listened to; a wake goes out on the first that is ready. */
  transports: readonly WakeTransport[];
  log: Logger;
  /** Another process committed something. */
  onWake(): void;
  /** Another process canceled this task. */
  onCancel(taskId: string): void;
}

/** NOTIFY takes a lock of the whole cluster at commit, so wakes are sent together, at most this often. */
const coalesceMs = 20;
/** A payload of NOTIFY holds 8,000 bytes: this many ids leave room. */
const idsPerPayload = 100;

/**
 * Tells the other processes on this database that there is something to look at. A hint, never truth: every reader polls
 * as well, so a lost notification costs time and nothing else.
 */
export class WakeChannel {
  readonly #options: WakeChannelOptions;
  readonly #sender = randomUUID().slice(0, 8);
  readonly #cancels = new Set<string>();
  #stopped = false;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: WakeChannelOptions) {
    this.#options = options;
  }

  start(): void {
    for (const transport of this.#options.transports) {
      transport.start({
        onPayload: (payload) => this.#receive(payload),
        // whatever happened while nobody listened
        onListening: () => this.#options.onWake(),
      });
    }
  }

  /** Something was committed here. */
  notify(): void {
    if (this.#stopped) return;
    this.#timer ??= setTimeout(() => void this.#send(), coalesceMs);
  }

  notifyCancel(taskId: string): void {
    this.#cancels.add(taskId);
    this.notify();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#timer);
    await Promise.all(this.#options.transports.map((transport) => transport.stop()));
  }

  async #send(): Promise<void> {
    this.#timer = undefined;
    const cancels = [...this.#cancels];
    this.#cancels.clear();
    // Without an id it is a plain wake.
    const payloads: string[] = [];
    for (let start = 0; start < cancels.length || start === 0; start += idsPerPayload) {
      payloads.push([this.#sender, ...cancels.slice(start, start + idsPerPayload)].join(' '));
    }
    for (const transport of this.#options.transports) {
      if (!transport.ready) continue;
      try {
        return await transport.publish(payloads);
      } catch (error) {
        this.#options.log.debug(
          { error: messageOf(error) },
          'wake not sent this way; the others find out by polling',
        );
      }
    }
  }

  #receive(payload: string): void {
    const [sender, ...taskIds] = payload.split(' ');
    if (sender === this.#sender) return;
    for (const taskId of taskIds) if (isUuid(taskId)) this.#options.onCancel(taskId);
    this.#options.onWake();
  }
}

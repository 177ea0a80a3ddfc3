import type { Clock } from '../lib/clock.ts';
import { logStart, type LogPosition } from '../lib/cursor.ts';
import type { Logger } from '../lib/log.ts';
import { startLoop, type Loop } from '../lib/loop.ts';
import { latestPosition, readEvents, type EventRow } from '../stores/event-store.ts';
import type { Sql } from '../stores/sql.ts';

export interface EventPumpOptions {
  sql: Sql;
  clock: Clock;
  log: Logger;
  /** Longest time between two looks at the log, ms; default 250. A wake makes it sooner. */
  pollMs?: number;
}

const pageSize = 1_000;
/**
 * After a wake the woken event may still be behind the horizon of another open transaction: look again this soon, ms, then
 * leave it to the poll.
 */
const eagerDelaysMs = [2, 4, 8, 16, 32, 64];

type Listener = (row: EventRow) => void;

/**
 * Follows the event log for everyone in this process. Nobody listening, nothing is read: the first listener makes it begin
 * at the newest event.
 */
export class EventPump {
  readonly #options: EventPumpOptions;
  readonly #listeners = new Set<Listener>();
  #position: LogPosition = logStart;
  #loop: Loop | undefined;
  #starting: Promise<void> | undefined;
  #eager = eagerDelaysMs.length;
  #stopped = false;

  constructor(options: EventPumpOptions) {
    this.#options = options;
  }

  /** Every listener attached has been given all events up to here. */
  get position(): LogPosition {
    return this.#position;
  }

  get listenerCount(): number {
    return this.#listeners.size;
  }

  wake(): void {
    this.#eager = 0;
    this.#loop?.wake();
  }

  /**
   * Delivers every event behind the position at the moment this resolves, in log order.
   * @returns detaches the listener
   */
  async attach(listener: Listener): Promise<() => void> {
    // Attached before the start is awaited, so that the pump cannot go idle between two subscribers.
    this.#listeners.add(listener);
    try {
      await this.#ensureStarted();
    } catch (error) {
      this.#detach(listener);
      throw error;
    }
    return () => this.#detach(listener);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#starting?.catch(() => undefined);
    await this.#loop?.stop();
  }

  #detach(listener: Listener): void {
    this.#listeners.delete(listener);
    if (this.#listeners.size > 0 || !this.#loop) return;
    void this.#loop.stop();
    this.#loop = undefined;
    this.#starting = undefined;
  }

  #ensureStarted(): Promise<void> {
    if (this.#stopped) return Promise.reject(new Error('The event pump is stopped.'));
    this.#starting ??= this.#begin().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  async #begin(): Promise<void> {
    const { sql, clock, log, pollMs = 250 } = this.#options;
    this.#position = await latestPosition(sql);
    if (this.#stopped || this.#listeners.size === 0) {
      // Whoever asked has left; the next listener begins anew.
      this.#starting = undefined;
      return;
    }
    this.#loop = startLoop({
      name: 'event-pump',
      intervalMs: () => this.#nextPause(pollMs),
      clock,
      log,
      turn: (signal) => this.#turn(signal),
    });
  }

  async #turn(signal: AbortSignal): Promise<boolean> {
    const rows = await readEvents(this.#options.sql, { after: this.#position, limit: pageSize });
    // A pump that was stopped and begun again meanwhile has a position of its own.
    if (signal.aborted) return false;
    for (const row of rows) {
      this.#position = row;
      for (const listener of this.#listeners) listener(row);
    }
    return rows.length === pageSize;
  }

  /** A pause of the loop, not of the turn: a wake ends it. */
  #nextPause(pollMs: number): number {
    const delay = eagerDelaysMs[this.#eager];
    if (delay === undefined) return pollMs;
    this.#eager += 1;
    return Math.min(delay, pollMs);
  }
}

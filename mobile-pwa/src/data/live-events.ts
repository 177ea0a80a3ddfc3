import type { Client } from '@urql/core';
import { eventsSubscription, latestEventCursorQuery } from '@hive/schema/operations/events.ts';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import { backoffMs } from './backoff.ts';
import type { ResumeContext } from './client.ts';
import { isCursorRefused, startingCursor, type SavedCursor } from './event-cursor.ts';

export type HiveEvent = ResultOf<typeof eventsSubscription>['events'];

interface LiveEventsDeps {
  client: Client;
  load: () => Promise<SavedCursor | undefined>;
  save: (saved: SavedCursor) => Promise<void>;
  /** Everything on screen must be read again: there is a hole between the cache and the log. */
  onHole: () => void;
  /** Whether what is shown is being kept current. */
  onFollowing: (following: boolean) => void;
}

/** After a failure a subscription that the server has not ended this soon counts as accepted. */
const ACCEPTED_AFTER_MS = 1_000;

/** The cursor is written this long after the last event, behind graphcache's own write of what the event changed. */
const SAVE_DELAY_MS = 500;

/**
 * Follows the hive's event log for as long as the page lives; each event brings its subject into the cache.
 * After a reload, a break or days offline it goes on behind the last event it saw.
 */
export class LiveEvents extends EventTarget {
  readonly #deps: LiveEventsDeps;
  #cursor: string | undefined;
  #failures = 0;
  #saveTimer: ReturnType<typeof setTimeout> | undefined;
  #acceptedTimer: ReturnType<typeof setTimeout> | undefined;
  #restartTimer: ReturnType<typeof setTimeout> | undefined;
  #subscription: { unsubscribe: () => void } | undefined;

  constructor(deps: LiveEventsDeps) {
    super();
    this.#deps = deps;
  }

  async start(): Promise<void> {
    this.#cursor = startingCursor(await this.#deps.load(), Date.now());
    await this.#follow();
  }

  async #follow(): Promise<void> {
    this.#subscription?.unsubscribe();
    if (this.#cursor === undefined && !(await this.#takeLatestCursor())) {
      this.#again();
      return;
    }
    const context: ResumeContext = {
      resume: () => ({ after: this.#cursor }),
      onTermination: () => this.#again(),
    };
    // The protocol has no word for "accepted". The first time it is taken for granted, after a failure it is not.
    const acceptedAfterMs = this.#failures === 0 ? 0 : ACCEPTED_AFTER_MS;
    clearTimeout(this.#acceptedTimer);
    this.#acceptedTimer = setTimeout(() => this.#deps.onFollowing(true), acceptedAfterMs);
    this.#subscription = this.#deps.client
      .subscription(eventsSubscription, { after: this.#cursor ?? null }, context as object)
      .subscribe((result) => {
        if (result.error && isCursorRefused(result.error)) {
          this.#cursor = undefined;
          this.#again();
        } else if (result.data?.events) {
          this.#take(result.data.events);
        }
      });
  }

  /** Starts at the newest event, and has everything on screen read again from there. */
  async #takeLatestCursor(): Promise<boolean> {
    const { client } = this.#deps;
    const result = await client
      .query(latestEventCursorQuery, {}, { requestPolicy: 'network-only' })
      .toPromise();
    if (!result.data) return false;
    this.#cursor = result.data.latestEventCursor;
    this.#saveSoon();
    this.#deps.onHole();
    return true;
  }

  #take(event: HiveEvent): void {
    if (this.#failures > 0) this.#deps.onFollowing(true);
    this.#failures = 0;
    this.#cursor = event.cursor;
    this.#saveSoon();
    this.dispatchEvent(new CustomEvent<HiveEvent>('event', { detail: event }));
  }

  #again(): void {
    clearTimeout(this.#acceptedTimer);
    clearTimeout(this.#restartTimer);
    this.#deps.onFollowing(false);
    const delayMs = backoffMs(this.#failures++, Math.random, 300, 10_000);
    this.#restartTimer = setTimeout(() => void this.#follow(), delayMs);
  }

  #saveSoon(): void {
    clearTimeout(this.#saveTimer);
    this.#saveTimer = setTimeout(() => {
      if (this.#cursor !== undefined) void this.#deps.save({ cursor: this.#cursor, savedAt: Date.now() });
    }, SAVE_DELAY_MS);
  }
}

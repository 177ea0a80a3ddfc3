/** `live`: what is shown is true now. `connecting`: a moment, no reason to worry anyone. `offline`: says so. */
export type ConnectionStatus = 'connecting' | 'live' | 'offline';

/** A break shorter than this is not shown as being offline: phones change cells all the time. */
const GRACE_MS = 2_500;

/** The state of the socket in the person's terms, and since when what they see may be out of date. */
export class Connection extends EventTarget {
  #status: ConnectionStatus = 'connecting';
  #open = false;
  #following = false;
  #lastLiveAt: number | null = null;
  #graceTimer: ReturnType<typeof setTimeout> | undefined;

  get status(): ConnectionStatus {
    return this.#status;
  }

  /** When the app last knew that its data was current; null before the first connection ever. */
  get lastLiveAt(): number | null {
    return this.#status === 'live' ? Date.now() : this.#lastLiveAt;
  }

  /** Restores the moment from the last visit, so that a cold start without network can say how old its data is. */
  restore(lastLiveAt: number | null): void {
    this.#lastLiveAt ??= lastLiveAt;
    this.#emit();
  }

  opened(): void {
    this.#open = true;
    this.#settle();
  }

  /** Whether the event log is being followed: an open socket that brings no events is not live. */
  following(following: boolean): void {
    this.#following = following;
    this.#settle();
  }

  lost(): void {
    this.#open = false;
    this.#settle();
  }

  #settle(): void {
    if (this.#open && this.#following) {
      this.#set('live');
      return;
    }
    if (this.#status === 'live') this.#lastLiveAt = Date.now();
    if (this.#status === 'offline' || this.#graceTimer !== undefined) return;
    this.#set('connecting');
    this.#graceTimer = setTimeout(() => this.#set('offline'), navigator.onLine ? GRACE_MS : 0);
  }

  #set(status: ConnectionStatus): void {
    clearTimeout(this.#graceTimer);
    this.#graceTimer = undefined;
    if (this.#status === status) return;
    this.#status = status;
    this.#emit();
  }

  #emit(): void {
    this.dispatchEvent(new Event('change'));
  }
}

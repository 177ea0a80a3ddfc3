import { backoffMs } from './backoff.ts';
import { entityOf, type MutationInputs, type MutationKind } from './mutations.ts';
import { bySendingOrder, nextToSend, transition, type Answer, type OutboxEntry } from './outbox-entry.ts';

export interface OutboxDeps {
  store: {
    list: () => Promise<OutboxEntry[]>;
    put: (entry: OutboxEntry) => Promise<void>;
    delete: (id: string) => Promise<void>;
  };
  /** Sends one action; must not throw for a lost network, but say `again`. */
  send: (entry: OutboxEntry) => Promise<Answer>;
  /** Runs `work` while no other tab works on the same entity (Web Locks). */
  exclusive: (entity: string, work: () => Promise<void>) => Promise<void>;
  isOnline: () => boolean;
  now: () => number;
  random: () => number;
  newId: () => string;
  schedule: (work: () => void, delayMs: number) => void;
  /** Tells other tabs that the stored rows changed. */
  announce: () => void;
}

/** How long a sent action stays visible as "sent". */
const SENT_VISIBLE_MS = 4_000;

export type Settled = { entry: OutboxEntry; answer: Answer };

/**
 * Keeps every action of the person until the server has answered it.
 *
 * Written to the database before anything is sent; sent first-in first-out per entity under a lock shared by all
 * tabs; the row is deleted only on a definite answer. urql's own offline exchange empties its queue before the
 * replies arrive, so a reload at the wrong moment loses what was in it: this class exists for that moment.
 */
export class Outbox extends EventTarget {
  readonly #deps: OutboxDeps;
  #entries: OutboxEntry[] = [];
  #sent: OutboxEntry[] = [];
  #order = 0;
  #scheduled = new Set<string>();
  readonly #sending = new Set<string>();

  constructor(deps: OutboxDeps) {
    super();
    this.#deps = deps;
  }

  /** Oldest first: waiting and refused rows, and those sent a moment ago. */
  get entries(): OutboxEntry[] {
    return [...this.#entries, ...this.#sent].toSorted(bySendingOrder);
  }

  get waitingCount(): number {
    return this.#entries.filter((entry) => entry.state === 'waiting').length;
  }

  get refusedCount(): number {
    return this.#entries.filter((entry) => entry.state === 'refused').length;
  }

  isSending(id: string): boolean {
    return this.#sending.has(id);
  }

  /** Loads what an earlier page left behind, and goes on sending it. */
  async start(): Promise<void> {
    await this.reload();
    this.kick();
  }

  async reload(): Promise<void> {
    this.#entries = await this.#deps.store.list();
    this.#changed();
  }

  /**
   * Takes an action. Resolves once it is stored, not once it is sent.
   * @throws when the browser cannot store it; then nothing was sent either.
   */
  async add<K extends MutationKind>(kind: K, input: MutationInputs[K], label: string): Promise<OutboxEntry> {
    const entry: OutboxEntry<K> = {
      id: this.#deps.newId(),
      kind,
      input,
      entity: entityOf(kind, input),
      label,
      state: 'waiting',
      createdAt: this.#deps.now(),
      order: this.#order++,
      tries: 0,
      problem: null,
    };
    await this.#deps.store.put(entry);
    // A drain that was under way may have read the row already.
    if (!this.#entries.some((known) => known.id === entry.id)) this.#entries.push(entry);
    this.#changed();
    this.#deps.announce();
    void this.#drain(entry.entity);
    return entry;
  }

  /** Sends a refused action again. */
  async retry(id: string): Promise<void> {
    const entry = this.#entries.find((candidate) => candidate.id === id);
    if (!entry) return;
    const next = transition(entry, { type: 'retried', newId: this.#deps.newId });
    await this.#deps.store.put(next);
    if (next.id !== id) await this.#deps.store.delete(id);
    this.#replace(id, next);
    this.#deps.announce();
    void this.#drain(next.entity);
  }

  /** Drops a refused action, or a waiting one the person takes back before it was sent. */
  async discard(id: string): Promise<void> {
    if (this.#sending.has(id)) return;
    await this.#deps.store.delete(id);
    this.#entries = this.#entries.filter((entry) => entry.id !== id);
    this.#changed();
    this.#deps.announce();
  }

  /** Tries everything that waits, now: the network is back, the socket is back, or another tab added a row. */
  kick(): void {
    for (const entity of new Set(this.#entries.map((entry) => entry.entity))) void this.#drain(entity);
  }

  async #drain(entity: string): Promise<void> {
    if (!this.#deps.isOnline()) return;
    await this.#deps.exclusive(entity, async () => {
      for (;;) {
        // Read the rows again inside the lock: another tab may have sent this one while we waited for the lock.
        this.#entries = await this.#deps.store.list();
        const entry = nextToSend(this.#entries, entity);
        if (!entry || !this.#deps.isOnline()) break;
        if (!(await this.#sendOne(entry))) break;
      }
    });
    this.#changed();
  }

  /** @returns whether to go on with the next entry of the entity. */
  async #sendOne(entry: OutboxEntry): Promise<boolean> {
    this.#sending.add(entry.id);
    this.#changed();
    const answer = await this.#deps.send(entry).finally(() => this.#sending.delete(entry.id));
    const next = transition(entry, { type: 'answered', answer });
    if (next.state === 'sent') {
      await this.#deps.store.delete(entry.id);
      this.#entries = this.#entries.filter((candidate) => candidate.id !== entry.id);
      this.#sent.push(next);
      this.#deps.schedule(() => this.#forgetSent(next.id), SENT_VISIBLE_MS);
    } else {
      await this.#deps.store.put(next);
      this.#replace(entry.id, next);
    }
    this.#deps.announce();
    this.dispatchEvent(new CustomEvent<Settled>('settled', { detail: { entry: next, answer } }));
    if (next.state === 'waiting')
      this.#later(next, answer.kind === 'again' ? answer.retryAfterMs : undefined);
    return next.state !== 'waiting';
  }

  #later(entry: OutboxEntry, retryAfterMs = 0): void {
    if (this.#scheduled.has(entry.entity)) return;
    this.#scheduled.add(entry.entity);
    this.#deps.schedule(
      () => {
        this.#scheduled.delete(entry.entity);
        void this.#drain(entry.entity);
      },
      Math.max(retryAfterMs, backoffMs(entry.tries, this.#deps.random)),
    );
  }

  #forgetSent(id: string): void {
    this.#sent = this.#sent.filter((entry) => entry.id !== id);
    this.#changed();
  }

  #replace(id: string, next: OutboxEntry): void {
    this.#entries = this.#entries.map((entry) => (entry.id === id ? next : entry));
    this.#changed();
  }

  #changed(): void {
    this.dispatchEvent(new Event('change'));
  }
}

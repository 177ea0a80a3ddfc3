import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import { networkOf } from '../../lib/network-of.ts';
import { isTransient } from '../../lib/transient.ts';
import type { Logger } from '../../lib/log.ts';
import { startLoop, type Loop } from '../../lib/loop.ts';
import { appendAudit, type NewAuditEntry } from '../../stores/audit-store.ts';
import type { Sql } from '../../stores/sql.ts';

const limits = {
  /** Entries of one actor or address that are kept in full, each minute. */
  perSource: 20,
  /** The same of all together: addresses are cheap. */
  inTotal: 2_000,
  /** Sources told apart; the rest of a minute's are counted together. */
  sources: 5_000,
  /** Kinds of action told apart in one count. */
  actions: 20,
  /** Entries that wait for the database. */
  queue: 5_000,
};
const windowMs = 60_000;
const batchSize = 500;
/** An entry's time is that of its writing; past this its delay is said in it. */
const notableDelayMs = 5_000;

export interface AuditRecorderDeps {
  /** Of the role hive_system. */
  systemSql: Sql;
  clock: Clock;
  log: Logger;
  /** Something was written: for the sealer. */
  onWritten?(): void;
}

export interface AuditRecorder {
  /** Takes an entry on; never throws and never waits. */
  record(entry: NewAuditEntry): void;
  /** Resolves when everything recorded so far has been written, or could not be at the moment. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

interface Waiting {
  entry: NewAuditEntry;
  since: number;
}

/** What one source did beyond its share, counted by action and outcome. */
interface Count {
  entry: NewAuditEntry;
  since: number;
  until: number;
  total: number;
  actions: Map<string, number>;
}

/**
 * The audit trail for what happens outside a change's transaction: refused attempts, sign-ins that fail, the use of keys.
 * Entries are written in batches. Of each actor, or address, 20 refusals a minute are kept in full, and 20 of each kind of
 * what was done; what follows becomes one `audit.repeated` entry with counts, so that an attacker can fill neither disk nor memory and nothing goes by unseen.
 */
export function createAuditRecorder(deps: AuditRecorderDeps): AuditRecorder {
  const recorder = new Recorder(deps);
  recorder.start();
  return recorder;
}

class Recorder implements AuditRecorder {
  readonly #deps: AuditRecorderDeps;
  #queue: Waiting[] = [];
  #counts = new Map<string, Count>();
  /** Entries in full of this window, by source. */
  #seen = new Map<string, number>();
  #seenInTotal = 0;
  #windowStart: number;
  #loop: Loop | undefined;
  #writing: Promise<void> | undefined;

  constructor(deps: AuditRecorderDeps) {
    this.#deps = deps;
    this.#windowStart = deps.clock.now();
  }

  start(): void {
    const { clock, log } = this.#deps;
    this.#loop = startLoop({
      ...{ name: 'audit-recorder', intervalMs: 1_000, clock, log },
      turn: () => this.#write(),
    });
  }

  record(entry: NewAuditEntry): void {
    const now = this.#deps.clock.now();
    this.#turnWindow(now);
    const source = sourceOf(entry);
    // What came about has room of its own, by action: nobody hides a new passkey behind twenty refusals.
    const isDone = entry.outcome === 'ALLOWED';
    const share = isDone ? `${source}\n${entry.action}` : source;
    const seen = this.#seen.get(share) ?? 0;
    const isCrowded =
      this.#seenInTotal >= limits.inTotal || (seen === 0 && this.#seen.size >= limits.sources);
    if (this.#queue.length >= limits.queue || seen >= limits.perSource || (isCrowded && !isDone)) {
      this.#count(source, entry, now);
      return;
    }
    this.#seen.set(share, seen + 1);
    if (!isDone) this.#seenInTotal += 1;
    this.#queue.push({ entry, since: now });
    if (this.#queue.length >= batchSize) this.#loop?.wake();
  }

  async flush(): Promise<void> {
    await this.#write().catch(() => undefined);
  }

  async stop(): Promise<void> {
    await this.#loop?.stop();
    try {
      await this.#write();
      this.#closeCounts();
      await this.#write();
    } catch (error) {
      const lost = this.#queue.length + this.#counts.size;
      this.#deps.log.error(
        { lost, error: messageOf(error) },
        'audit entries of the last moments not written',
      );
    }
  }

  #turnWindow(now: number): void {
    if (now - this.#windowStart < windowMs && now >= this.#windowStart) return;
    this.#windowStart = now;
    this.#seen.clear();
    this.#seenInTotal = 0;
    this.#closeCounts();
  }

  #count(source: string, entry: NewAuditEntry, now: number): void {
    let key = source;
    if (!this.#counts.has(key) && this.#counts.size >= limits.sources) key = `${entry.workspaceId}\nothers`;
    let count = this.#counts.get(key);
    if (!count) {
      const of = key === source ? entry : { ...anonymous, workspaceId: entry.workspaceId };
      this.#counts.set(key, (count = { entry: of, since: now, until: now, total: 0, actions: new Map() }));
    }
    count.total += 1;
    count.until = now;
    const name = `${entry.action} ${entry.outcome}`;
    const known = count.actions.has(name) || count.actions.size < limits.actions;
    const action = known ? name : 'others';
    count.actions.set(action, (count.actions.get(action) ?? 0) + 1);
  }

  /** Counts of the window that ended become entries. While the database is away they go on counting instead. */
  #closeCounts(): void {
    if (this.#queue.length >= limits.queue) return;
    const now = this.#deps.clock.now();
    for (const { entry, since, until, total, actions } of this.#counts.values()) {
      const { workspaceId, actorKind, actorId, userId, address, userAgent } = entry;
      this.#queue.push({
        since: now,
        entry: {
          ...{ workspaceId, actorKind, actorId, userId, address, userAgent },
          action: 'audit.repeated',
          outcome: entry.outcome,
          detail: {
            count: total,
            since: new Date(since).toISOString(),
            until: new Date(until).toISOString(),
            actions: Object.fromEntries(actions),
          },
        },
      });
    }
    this.#counts.clear();
  }

  /** One at a time: a batch in flight is still at the front of the queue. */
  #write(): Promise<void> {
    this.#turnWindow(this.#deps.clock.now());
    this.#writing = (this.#writing ?? Promise.resolve()).catch(() => undefined).then(() => this.#writeAll());
    return this.#writing;
  }

  async #writeAll(): Promise<void> {
    while (this.#queue.length > 0) {
      const batch = this.#queue.slice(0, batchSize);
      try {
        await appendAudit(this.#deps.systemSql, this.#entriesOf(batch));
        this.#queue.splice(0, batch.length);
      } catch (error) {
        if (isTransient(error)) throw error;
        await this.#writeOneByOne(batch.length);
      }
      this.#deps.onWritten?.();
    }
  }

  /** The database refuses one of them for what it is, which would keep all others waiting for ever. */
  async #writeOneByOne(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1) {
      const [entry] = this.#entriesOf(this.#queue.slice(0, 1));
      try {
        await appendAudit(this.#deps.systemSql, [entry!]);
      } catch (error) {
        if (isTransient(error)) throw error;
        const { action, outcome, actorKind, actorId } = entry!;
        this.#deps.log.error(
          { action, outcome, actorKind, actorId, error: messageOf(error) },
          'an audit entry cannot be written',
        );
      }
      this.#queue.shift();
    }
  }

  #entriesOf(waiting: readonly Waiting[]): NewAuditEntry[] {
    const now = this.#deps.clock.now();
    return waiting.map(({ entry, since }) => withDelay(entry, now - since));
  }
}

const anonymous = {
  actorKind: 'ANONYMOUS',
  actorId: null,
  action: 'audit.repeated',
  outcome: 'DENIED',
} as const;

/** Whoever is known by name, else by address; of IPv6 the network, since one host has more addresses than there are entries. */
function sourceOf({ workspaceId, actorId, address }: NewAuditEntry): string {
  if (actorId !== null) return `${workspaceId}\n${actorId}`;
  if (address === undefined) return `${workspaceId}\nunknown`;
  return `${workspaceId}\n${networkOf(address)}`;
}

function withDelay(entry: NewAuditEntry, delayMs: number): NewAuditEntry {
  if (delayMs < notableDelayMs) return entry;
  const { detail } = entry;
  const fields = typeof detail === 'object' && detail !== null && !Array.isArray(detail) ? detail : {};
  return { ...entry, detail: { ...fields, recordedLateMs: delayMs } };
}

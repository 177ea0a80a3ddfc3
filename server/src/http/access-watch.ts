import type { Authenticator, Credential, Principal } from '../engines/security/principal.ts';
import type { Clock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { startLoop, type Loop } from '../lib/loop.ts';
import { closeCodes, type Closing } from './close-codes.ts';

export interface AccessWatchOptions {
  authenticator: Pick<Authenticator, 'stillValid'>;
  clock: Clock;
  log: Logger;
  /** Default 1,000 ms: with the time a check takes, an end is noticed well within 2 s. */
  intervalMs?: number;
  /** How long rights may go unchecked. Default 10,000 ms. */
  patienceMs?: number;
}

interface Watched {
  principal: Principal;
  end(closing: Closing): void;
  timer: NodeJS.Timeout | undefined;
}

/** A timer cannot be set for longer; sessions live longer than this. */
const longestTimerMs = 2 ** 31 - 1;

/**
 * Ends sockets whose credential has ended or changed: session, key, role, membership, and LOCAL when the hive gets its
 * owner. What is asked for are principals, so a thousand sockets of one person cost one row.
 *
 * When the check itself fails, for the database is away, sockets are kept for `patienceMs`: nothing that needs the
 * database reaches them anyway, and most outages are shorter. Then they are closed with a code that says to come back,
 * since rights that cannot be checked must not be relied on, and a revocation meanwhile would go unnoticed. LOCAL ones
 * stay: whoever is at the machine has the database's files, too, and needs to see what is wrong.
 */
export class AccessWatch {
  readonly #options: Required<AccessWatchOptions>;
  readonly #watched = new Set<Watched>();
  readonly #loop: Loop;
  #failingSince: number | undefined;

  constructor(options: AccessWatchOptions) {
    this.#options = { intervalMs: 1_000, patienceMs: 10_000, ...options };
    const { clock, log } = options;
    this.#loop = startLoop({
      name: 'access-watch',
      intervalMs: this.#options.intervalMs,
      clock,
      log,
      turn: () => this.#turn(),
    });
  }

  get size(): number {
    return this.#watched.size;
  }

  /**
   * @param end called once when the principal may not go on; from then on nothing more must be sent
   * @returns a function that ends the watch
   */
  add(principal: Principal, end: (closing: Closing) => void): () => void {
    const watched: Watched = { principal, end, timer: undefined };
    this.#watched.add(watched);
    this.#armTimer(watched);
    return () => this.#forget(watched);
  }

  /** Looks now: something is known to have changed. */
  wake(): void {
    this.#loop.wake();
  }

  async stop(): Promise<void> {
    for (const watched of this.#watched) this.#forget(watched);
    await this.#loop.stop();
  }

  async #turn(): Promise<void> {
    if (this.#watched.size === 0) {
      this.#failingSince = undefined;
      return;
    }
    const { authenticator, clock, log, patienceMs } = this.#options;
    try {
      await this.#check(authenticator);
      this.#failingSince = undefined;
    } catch (error) {
      this.#failingSince ??= clock.now();
      if (clock.now() - this.#failingSince < patienceMs) return;
      const remote = [...this.#watched].filter(({ principal }) => !isLocal(principal));
      if (remote.length === 0) return;
      log.warn(
        { sockets: remote.length, error: messageOf(error) },
        'closing WebSockets: whether they may still listen could not be checked for too long',
      );
      for (const watched of remote) this.#end(watched, closeCodes.cannotCheck);
    }
  }

  async #check(authenticator: AccessWatchOptions['authenticator']): Promise<void> {
    const groups = [...Map.groupBy(this.#watched, ({ principal }) => keyOf(principal)).values()];
    const valid = await authenticator.stillValid(groups.map(([first]) => first!.principal));
    for (const [index, group] of groups.entries()) if (valid[index] !== true) this.#endAll(group);
  }

  #endAll(group: readonly Watched[]): void {
    for (const watched of group) this.#end(watched, closeCodes.forbidden);
  }

  #end(watched: Watched, closing: Closing): void {
    // It may have left, or been ended, while the check was under way.
    if (!this.#watched.has(watched)) return;
    this.#forget(watched);
    watched.end(closing);
  }

  #forget(watched: Watched): void {
    clearTimeout(watched.timer);
    this.#watched.delete(watched);
  }

  #armTimer(watched: Watched): void {
    const expiresAt = expiryOf(watched.principal.credential);
    if (expiresAt === undefined) return;
    const remainingMs = expiresAt - this.#options.clock.now();
    watched.timer = setTimeout(
      () => {
        if (expiresAt > this.#options.clock.now()) return this.#armTimer(watched);
        void this.#expired(watched);
      },
      Math.min(Math.max(0, remainingMs), longestTimerMs),
    );
    watched.timer.unref();
  }

  /** Keys and tokens end when they said they would. A session may have been prolonged by use in the meantime. */
  async #expired(watched: Watched): Promise<void> {
    const { principal } = watched;
    if (principal.credential.type !== 'SESSION') return this.#end(watched, closeCodes.forbidden);
    const [valid] = await this.#options.authenticator.stillValid([principal]).catch(() => [false]);
    if (valid !== true) this.#end(watched, closeCodes.forbidden);
  }
}

function isLocal({ credential }: Principal): boolean {
  return credential.type === 'LOCAL';
}

function expiryOf(credential: Credential): number | undefined {
  return credential.type === 'LOCAL' ? undefined : credential.expiresAt;
}

/** Principals with the same key stay or end together. */
function keyOf({ credential, stamp, actor }: Principal): string {
  return JSON.stringify([credential, stamp, actor.workspaceId]);
}

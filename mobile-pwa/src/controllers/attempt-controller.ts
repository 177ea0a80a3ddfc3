import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { asProblem, type AuthProblem } from '../data/auth-problem.ts';

/**
 * One thing at a time that may be refused: which one is under way, why the last one failed, and how long the hive wants
 * to be left alone before the next.
 */
export class AttemptController implements ReactiveController {
  /** The name given to what is under way. */
  busy: string | undefined;
  problem: AuthProblem | undefined;

  readonly #host: ReactiveControllerHost;
  readonly #onOnline: (() => void) | undefined;
  #waitUntil = 0;
  #timer: ReturnType<typeof setInterval> | undefined;

  /** @param onOnline called when the network is back after it was missing in the last attempt */
  constructor(host: ReactiveControllerHost, onOnline?: () => void) {
    this.#host = host;
    this.#onOnline = onOnline && (() => void (this.problem?.code === 'NETWORK' && onOnline()));
    host.addController(this);
  }

  hostConnected(): void {
    if (this.#onOnline) addEventListener('online', this.#onOnline);
  }

  hostDisconnected(): void {
    if (this.#onOnline) removeEventListener('online', this.#onOnline);
    clearInterval(this.#timer);
  }

  /** Seconds until another attempt is worth it, 0 when it is now. */
  get waitSeconds(): number {
    return Math.max(0, Math.ceil((this.#waitUntil - Date.now()) / 1_000));
  }

  get blocked(): boolean {
    return this.busy !== undefined || this.waitSeconds > 0;
  }

  clear(): void {
    this.problem = undefined;
    this.#host.requestUpdate();
  }

  fail(error: unknown): void {
    const problem = asProblem(error);
    // A dialog the person closed needs no words.
    this.problem = problem.message === '' ? undefined : problem;
    if (problem.retryAfterMs !== null) this.#wait(problem.retryAfterMs);
    this.#host.requestUpdate();
  }

  /** @returns whether it worked; if not, `problem` says why */
  async run(name: string, work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy !== undefined) return false;
    this.busy = name;
    this.problem = undefined;
    this.#host.requestUpdate();
    try {
      await work();
      return true;
    } catch (error) {
      this.fail(error);
      return false;
    } finally {
      this.busy = undefined;
      this.#host.requestUpdate();
    }
  }

  #wait(retryAfterMs: number): void {
    this.#waitUntil = Date.now() + retryAfterMs;
    clearInterval(this.#timer);
    this.#timer = setInterval(() => {
      this.#host.requestUpdate();
      if (this.waitSeconds > 0) return;
      clearInterval(this.#timer);
      this.problem = undefined;
    }, 1_000);
  }
}

import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { hive } from '../data/hive.ts';
import type { MutationKind } from '../data/mutations.ts';
import type { Settled } from '../data/outbox.ts';

/** Does something once the hive has carried out one of the person's actions: for lists that no event keeps current. */
export class SettledController implements ReactiveController {
  readonly #kinds: readonly MutationKind[];
  readonly #onDone: (settled: Settled) => void;

  constructor(
    host: ReactiveControllerHost,
    kinds: readonly MutationKind[],
    onDone: (settled: Settled) => void,
  ) {
    this.#kinds = kinds;
    this.#onDone = onDone;
    host.addController(this);
  }

  hostConnected(): void {
    hive.outbox.addEventListener('settled', this.#onSettled);
  }

  hostDisconnected(): void {
    hive.outbox.removeEventListener('settled', this.#onSettled);
  }

  readonly #onSettled = (event: Event): void => {
    const settled = (event as CustomEvent<Settled>).detail;
    if (settled.answer.kind === 'done' && this.#kinds.includes(settled.entry.kind)) this.#onDone(settled);
  };
}

import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Renders its host again every so often, so that ages and running times stay true. Rests while nobody looks. */
export class ClockController implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #everyMs: () => number;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: ReactiveControllerHost, everyMs: () => number) {
    this.#host = host;
    this.#everyMs = everyMs;
    host.addController(this);
  }

  hostConnected(): void {
    this.#schedule();
  }

  hostDisconnected(): void {
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      if (document.visibilityState === 'visible') this.#host.requestUpdate();
      this.#schedule();
    }, this.#everyMs());
  }
}

import type { ReactiveController, ReactiveControllerHost } from 'lit';

/** Renders its host again whenever one of the targets says it changed. */
export class EventController implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #sources: readonly (readonly [EventTarget, string])[];

  constructor(host: ReactiveControllerHost, ...sources: readonly (readonly [EventTarget, string])[]) {
    this.#host = host;
    this.#sources = sources;
    host.addController(this);
  }

  hostConnected(): void {
    for (const [target, type] of this.#sources) target.addEventListener(type, this.#onChange);
  }

  hostDisconnected(): void {
    for (const [target, type] of this.#sources) target.removeEventListener(type, this.#onChange);
  }

  readonly #onChange = (): void => this.#host.requestUpdate();
}

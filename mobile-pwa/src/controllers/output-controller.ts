import type { ReactiveController, ReactiveControllerHost } from 'lit';
import type { ResultOf } from '@hive/schema/operations/graphql.ts';
import { taskOutputSubscription } from '@hive/schema/operations/tasks.ts';
import { hive } from '../data/hive.ts';
import { applyDelta, emptyOutput, type OutputText } from '../data/output-text.ts';
import { requestText } from '../data/request-text.ts';

const query = requestText(taskOutputSubscription);

/** Streams one task's text, without repeats, across breaks of the connection. */
export class OutputController implements ReactiveController {
  output: OutputText = emptyOutput;

  readonly #host: ReactiveControllerHost;
  /** The task to stream, or undefined while there is nothing to stream. */
  readonly #taskId: () => string | undefined;
  #following: string | undefined;
  #stop: (() => void) | undefined;
  #frame = 0;

  constructor(host: ReactiveControllerHost, taskId: () => string | undefined) {
    this.#host = host;
    this.#taskId = taskId;
    host.addController(this);
  }

  hostConnected(): void {}

  hostUpdate(): void {
    const taskId = this.#taskId();
    if (taskId === this.#following) return;
    this.#stop?.();
    this.#stop = undefined;
    if (taskId !== undefined) {
      this.output = emptyOutput;
      this.#follow(taskId);
    }
    this.#following = taskId;
  }

  hostDisconnected(): void {
    this.#stop?.();
    this.#stop = undefined;
    this.#following = undefined;
    cancelAnimationFrame(this.#frame);
  }

  #follow(taskId: string): void {
    const cursorOf = () => this.output.cursor;
    const payload = {
      query,
      get variables() {
        return { id: taskId, after: cursorOf() };
      },
    };
    this.#stop = hive.socket.subscribe<ResultOf<typeof taskOutputSubscription>>(payload, {
      next: ({ data }) => {
        if (data) this.#take(taskId, data.taskOutput);
      },
      // The task's own state tells how it ended; a broken stream is no reason to alarm anyone.
      error: () => undefined,
      complete: () => undefined,
    });
  }

  #take(taskId: string, delta: Parameters<typeof applyDelta>[1]): void {
    this.output = applyDelta(this.output, delta);
    if (this.output.gap) {
      this.#stop?.();
      this.output = emptyOutput;
      this.#follow(taskId);
      return;
    }
    // A fast model sends more pieces than the screen has frames.
    cancelAnimationFrame(this.#frame);
    this.#frame = requestAnimationFrame(() => this.#host.requestUpdate());
  }
}

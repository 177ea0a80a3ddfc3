import { backoffMs } from './backoff.ts';
import type { Clock } from './clock.ts';
import { messageOf } from './errors.ts';
import type { Logger } from './log.ts';

export interface LoopOptions {
  name: string;
  /** Longest pause between two turns; a wake ends it early. A function is asked before each pause. */
  intervalMs: number | (() => number);
  clock: Clock;
  log: Logger;
  /** One turn. Returns true when there is more to do at once. A throw is logged and retried with backoff. */
  turn(signal: AbortSignal): Promise<boolean | void>;
}

export interface Loop {
  /** Ends the current pause; a wake during a turn causes one more turn. */
  wake(): void;
  /** Resolves when the current turn has ended; no turn starts afterwards. */
  stop(): Promise<void>;
}

const failureBackoff = { initialMs: 200, factor: 2, maxMs: 5_000 };

/**
 * The one loop every background component runs on: turn, pause until woken or due, back off on failure, stop by abort.
 */
export function startLoop(options: LoopOptions): Loop {
  const { clock, log, name } = options;
  const stopping = new AbortController();
  let woken = false;
  let pause: AbortController | undefined;

  const run = async () => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      woken = false;
      let more = false;
      try {
        more = (await options.turn(stopping.signal)) === true;
        if (failures > 0) log.info({ loop: name, failures }, 'loop recovered');
        failures = 0;
      } catch (error) {
        failures += 1;
        log.warn({ loop: name, failures, error: messageOf(error) }, 'loop turn failed');
      }
      if (stopping.signal.aborted) return;
      if (failures > 0) {
        await clock.sleep(backoffMs(failureBackoff, failures), stopping.signal);
      } else if (!more && !woken) {
        pause = new AbortController();
        const intervalMs = typeof options.intervalMs === 'number' ? options.intervalMs : options.intervalMs();
        await clock.sleep(intervalMs, AbortSignal.any([pause.signal, stopping.signal]));
        pause = undefined;
      }
    }
  };
  // Not before the caller has the loop in hand: a turn may want to wake it.
  const running = Promise.resolve().then(run);
  return {
    wake() {
      woken = true;
      pause?.abort();
    },
    async stop() {
      stopping.abort();
      await running;
    },
  };
}

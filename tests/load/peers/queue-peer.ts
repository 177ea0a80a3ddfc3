/** Where a peer finds its storage. Every PostgreSQL peer gets a database of its own on the same server. */
export interface PeerEnvironment {
  databaseUrl: string;
  redisUrl: string | undefined;
}

/** One job queue under measurement. Jobs carry their number from 0, so that a lost or repeated one is noticed. */
export interface QueuePeer {
  /** Its settings, as printed under the table. */
  settings: string;
  /** Adds jobs numbered `from` to `from + count - 1` in batches, as fast as this queue can. */
  fill(from: number, count: number): Promise<void>;
  /** Adds one job. */
  add(job: number): Promise<void>;
  /** Starts the workers; `onStart` is called when a job's handler begins. */
  work(onStart: (job: number) => void): Promise<RunningWork>;
  /** What is wrong with the stored result of the first `total` jobs; undefined when it is right. */
  verify(total: number): Promise<string | undefined>;
  close(): Promise<void>;
}

export interface RunningWork {
  /** Resolves when so many jobs are recorded as done, in the store, since the workers started. */
  settled(count: number): Promise<void>;
  stop(): Promise<void>;
}

export const enqueueBatch = 1_000;

/** Calls `add` for each batch with two in flight, so that building one overlaps writing the other. */
export async function inBatches(
  from: number,
  count: number,
  add: (jobs: number[]) => Promise<unknown>,
): Promise<void> {
  let next = from;
  const lane = async () => {
    while (next < from + count) {
      const start = next;
      next = Math.min(from + count, start + enqueueBatch);
      await add(Array.from({ length: next - start }, (_, index) => start + index));
    }
  };
  await Promise.all([lane(), lane()]);
}

/** Counts up and resolves whoever waits for a number. */
export class Countdown {
  #count = 0;
  #waiting: { count: number; resolve: () => void }[] = [];

  add(): void {
    this.#count += 1;
    if (this.#waiting.length === 0) return;
    this.#waiting = this.#waiting.filter((entry) => {
      if (this.#count < entry.count) return true;
      entry.resolve();
      return false;
    });
  }

  reached(count: number): Promise<void> {
    if (this.#count >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }
}

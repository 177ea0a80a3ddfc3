export interface BatcherOptions<Item, Result> {
  maxSize: number;
  /** How long the first item of a batch waits for company, ms. */
  lingerMs: number;
  /** Writes a batch; results in the order of the items. A rejection rejects every item of the batch. */
  flush(items: readonly Item[]): Promise<readonly Result[]>;
}

export interface Batcher<Item, Result> {
  add(item: Item): Promise<Result>;
  /** Resolves when everything added so far has been flushed. */
  idle(): Promise<void>;
}

interface Entry<Item, Result> {
  item: Item;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

/**
 * Gathers items for a few milliseconds and writes them together. One flush at a time: what arrives meanwhile is the next
 * batch, so batches grow with load and a single item waits no longer than the linger.
 */
export function createBatcher<Item, Result>(options: BatcherOptions<Item, Result>): Batcher<Item, Result> {
  let pending: Entry<Item, Result>[] = [];
  let timer: NodeJS.Timeout | undefined;
  let flushing: Promise<void> | undefined;

  const flushNext = async () => {
    while (pending.length > 0) {
      const batch = pending.slice(0, options.maxSize);
      pending = pending.slice(options.maxSize);
      try {
        const results = await options.flush(batch.map((entry) => entry.item));
        batch.forEach((entry, index) => entry.resolve(results[index] as Result));
      } catch (error) {
        for (const entry of batch) entry.reject(error);
      }
    }
  };
  const start = () => {
    clearTimeout(timer);
    timer = undefined;
    flushing ??= flushNext().finally(() => {
      flushing = undefined;
      if (pending.length > 0) start();
    });
  };
  return {
    add(item) {
      return new Promise((resolve, reject) => {
        pending.push({ item, resolve, reject });
        if (flushing) return;
        if (pending.length >= options.maxSize) start();
        else timer ??= setTimeout(start, options.lingerMs);
      });
    },
    async idle() {
      while (pending.length > 0 || flushing) {
        start();
        await flushing;
      }
    },
  };
}

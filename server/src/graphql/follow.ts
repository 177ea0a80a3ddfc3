import type { EventWhere, HubApi, LogEvent } from './context.ts';

/**
 * Subjects as they are now, then again after each event about them. Events that come while one state is being read or
 * delivered cause one more read, not one each. Events only wake it, whatever they are about: `read` decides what is in sight.
 */
export async function* followSubjects<T>(options: {
  hub: HubApi;
  workspaceId: string;
  where: EventWhere;
  /** Read and delivered at once. */
  initial: readonly string[];
  /** Which subject an event changed; undefined for none. */
  subjectOf(event: LogEvent): string | undefined;
  read(id: string): Promise<T | undefined>;
  signal: AbortSignal;
}): AsyncGenerator<T> {
  const { hub, workspaceId, where } = options;
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, options.signal]);
  const changed = new Set(options.initial);
  let ended: { error?: unknown } | undefined;
  let wake = () => {};
  // The position is taken before the first read, so that no change falls between that read and the first event.
  const after = await hub.latestCursor();
  const following = (async () => {
    try {
      for await (const event of hub.events({ workspaceId, after, where }, signal)) {
        const id = options.subjectOf(event);
        if (id === undefined) continue;
        changed.add(id);
        wake();
      }
      ended = {};
    } catch (error) {
      ended = { error };
    }
    wake();
  })();
  try {
    while (true) {
      for (const id of changed) {
        changed.delete(id);
        const value = await options.read(id);
        if (value !== undefined) yield value;
      }
      if (ended) {
        if (ended.error !== undefined && !signal.aborted) throw ended.error;
        return;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (changed.size > 0 || ended) resolve();
      });
    }
  } finally {
    stopping.abort();
    await following;
  }
}

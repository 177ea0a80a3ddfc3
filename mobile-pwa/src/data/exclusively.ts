const turns = new Map<string, Promise<void>>();

/**
 * Runs `work` while nothing else works under the same name, in any tab. A page that came by plain HTTP from another
 * machine has no Web Locks: there it is alone in its own tab only, and the idempotency keys do the rest.
 */
export async function exclusively(name: string, work: () => Promise<void>): Promise<void> {
  if (navigator.locks) return navigator.locks.request(name, work);
  const turn = (turns.get(name) ?? Promise.resolve()).catch(() => undefined).then(work);
  turns.set(name, turn);
  return turn;
}

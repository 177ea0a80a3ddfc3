import type { Pool } from 'pg';

/** First words of every statement that goes through the pool while `work` runs. */
export async function countStatements(pool: Pool, work: () => Promise<unknown>): Promise<string[]> {
  const statements: string[] = [];
  type Queryable = { query: (...values: unknown[]) => unknown };
  const record = (target: Queryable) => {
    const original = target.query;
    target.query = function (this: unknown, ...values: unknown[]) {
      const [first] = values;
      const text = typeof first === 'string' ? first : String((first as { text?: string }).text ?? '');
      statements.push(text.trim().slice(0, 60));
      return original.apply(this, values);
    };
    return () => (target.query = original);
  };
  // Every way to the server leads over a client of the pool.
  const undo: (() => void)[] = [];
  const connect = pool.connect.bind(pool);
  const seen = new WeakSet<object>();
  const watch = (client: unknown) => {
    if (client && typeof client === 'object' && !seen.has(client)) {
      seen.add(client);
      undo.push(record(client as Queryable));
    }
    return client;
  };
  (pool as { connect: unknown }).connect = (
    callback?: (error: unknown, client: unknown, release: unknown) => void,
  ) =>
    callback
      ? connect((error, client, release) => callback(error, watch(client), release))
      : connect().then(watch);
  try {
    await work();
  } finally {
    (pool as { connect: unknown }).connect = connect;
    for (const restore of undo) restore();
  }
  // The health monitor reads on its own schedule.
  return statements.filter((text) => !/eventHorizonAge|countActiveTasks/.test(text));
}

import pg, { type CustomTypesConfig, type Pool, type PoolClient } from 'pg';
import type { PostgresPool } from 'kysely';

/** pg's usual conversions, and whole numbers as numbers: the only bigint here counts how often a passkey was used. */
const types: CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') =>
    oid === pg.types.builtins.INT8
      ? Number
      : pg.types.getTypeParser(oid, format as 'text')) as CustomTypesConfig['getTypeParser'],
};

/**
 * The same connections with other conversions: our pools leave moments as text, better-auth wants them as dates. Ending it
 * leaves the pool open, for it belongs to others too.
 */
export function plainTypesPool(pool: Pool): PostgresPool {
  return {
    async connect() {
      const client: PoolClient = await pool.connect();
      return {
        query: (text: string, values: readonly unknown[]) =>
          client.query({ text, values: [...values], types }),
        release: () => client.release(),
      } as unknown as Awaited<ReturnType<PostgresPool['connect']>>;
    },
    end: () => Promise.resolve(),
    options: pool.options,
  };
}

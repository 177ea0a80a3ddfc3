import type { Pool, PoolClient } from 'pg';

/** Labelled raw SQL with `$1` placeholders. Timestamps come back as PostgreSQL's text and bigints as strings. */
export interface Sql {
  rows<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

const label = /^\s*\/\* (\w+) \*\//;

/** Name of a labelled statement: it is prepared under it once a connection, so the text behind a label must never vary. */
export function labelOf(text: string): string | undefined {
  return label.exec(text)?.[1];
}

/**
 * Each statement in its own transaction, with the rights of the pool's role: those of `hive_system` see every workspace, those
 * of `hive_tenant` nothing without `sqlOfTenant`.
 */
export function sqlOfPool(pool: Pool): Sql {
  return sqlOver(pool);
}

/** On one connection, in the transaction it has open. */
export function sqlOfClient(client: PoolClient): Sql {
  return sqlOver(client);
}

function sqlOver(connection: Pick<PoolClient, 'query'>): Sql {
  return {
    async rows<Row>(text: string, values: readonly unknown[] = []) {
      const name = labelOf(text);
      const result = await connection.query({ ...(name ? { name } : {}), text, values: [...values] });
      return result.rows as Row[];
    },
  };
}

/**
 * A PostgreSQL array of plain words (ids, numbers, names of states). pg's own conversion quotes and escapes each element,
 * which for a batch of a thousand rows costs more than all else the client does.
 */
export function wordArray(values: readonly (string | number)[]): string {
  return `{${values.join(',')}}`;
}

/** A PostgreSQL array of any texts, for where no driver converts one. */
export function textArray(values: readonly string[]): string {
  return `{${values.map((value) => `"${value.replace(/[\\"]/g, '\\$&')}"`).join(',')}}`;
}

/**
 * Nothing at all for a column no row has a value in: `unnest` fills the shorter of its arrays up with nulls.
 */
export function sparseArray<Value>(
  values: readonly (Value | null | undefined)[],
): readonly (Value | null | undefined)[] {
  return values.every((value) => value === null || value === undefined) ? [] : values;
}

import type { EntityManager } from '@mikro-orm/postgresql';
import { CompiledQuery, type Kysely } from 'kysely';
import type { Pool } from 'pg';

/**
 * Labelled raw SQL with `$1` placeholders. Timestamps come back as PostgreSQL's text and bigints as strings, the same
 * from a pool as from inside an ORM transaction.
 */
export interface Sql {
  rows<Row>(text: string, values?: readonly unknown[]): Promise<Row[]>;
}

const label = /^\s*\/\* (\w+) \*\//;

/**
 * Each statement in its own transaction. Statements that open with a comment label are prepared once a connection under
 * that name; the text behind a label must therefore never vary.
 */
export function sqlOfPool(pool: Pool): Sql {
  return {
    async rows<Row>(text: string, values: readonly unknown[] = []) {
      const name = label.exec(text)?.[1];
      const result = await pool.query({ ...(name ? { name } : {}), text, values: [...values] });
      return result.rows as Row[];
    },
  };
}

/** Inside the entity manager's transaction when it has one, else on its pool. */
export function sqlOf(em: EntityManager): Sql {
  return {
    async rows<Row>(text: string, values: readonly unknown[] = []) {
      const context = em.getTransactionContext<Kysely<unknown>>() ?? em.getKysely<unknown>();
      const result = await context.executeQuery<Row>(CompiledQuery.raw(text, [...values]));
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

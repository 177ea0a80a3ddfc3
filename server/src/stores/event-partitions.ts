import type { Sql } from './sql.ts';

const dayMs = 86_400_000;

function partitionName(day: Date): string {
  return `event_${day.toISOString().slice(0, 10).replaceAll('-', '')}`;
}

/**
 * Creates one partition a day from today to `daysAhead` days on (31 at most). A day that already has rows in the default
 * partition stays there.
 */
export async function ensureEventPartitions(sql: Sql, today: Date, daysAhead: number): Promise<void> {
  // Tables belong to the owner of the database, not to the server's roles: a function of the owner makes them.
  await sql.rows(`/* ensureEventPartitions */ select hive_ensure_event_partitions($1, $2)`, [
    today,
    daysAhead,
  ]);
}

/**
 * Drops whole days older than the retention and records how far, each in a transaction of its own: a reader waits for the drop of
 * one day at most.
 * @returns names of the dropped partitions
 */
export async function dropEventPartitions(sql: Sql, today: Date, retentionDays: number): Promise<string[]> {
  const oldest = partitionName(new Date(Math.floor(today.getTime() / dayMs) * dayMs - retentionDays * dayMs));
  const partitions = await sql.rows<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'event'::regclass and c.relname ~ '^event_[0-9]{8}$' and c.relname < $1 order by 1`,
    [oldest],
  );
  for (const { name } of partitions)
    await sql.rows(`/* dropEventPartition */ select hive_drop_event_partition($1)`, [name]);
  return partitions.map((partition) => partition.name);
}

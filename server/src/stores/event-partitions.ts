import type { Sql } from './sql.ts';

const dayMs = 86_400_000;

/** Makes servers create partitions one after the other: `if not exists` alone fails when two create the same one. */
const partitionLock = 4_851_302_176;

function partitionName(day: Date): string {
  return `event_${day.toISOString().slice(0, 10).replaceAll('-', '')}`;
}

/**
 * Creates one partition a day from today to `daysAhead` days on. A day that already has rows in the default partition
 * (the server was off when it should have been made) stays there.
 */
export async function ensureEventPartitions(sql: Sql, today: Date, daysAhead: number): Promise<void> {
  for (let offset = 0; offset <= daysAhead; offset += 1) {
    const from = new Date(Math.floor(today.getTime() / dayMs) * dayMs + offset * dayMs);
    const to = new Date(from.getTime() + dayMs);
    const name = partitionName(from);
    const [existing] = await sql.rows<{ found: boolean }>(
      `select to_regclass($1) is not null or exists (select from event_default where at >= $2 and at < $3) as found`,
      [name, from, to],
    );
    if (existing?.found) continue;
    // Bounds are literals made here from a date, never from input: DDL takes no parameters. Two servers starting together would
    // both find it missing; the lock ends with the implicit transaction of the two statements.
    await sql.rows(
      `select pg_advisory_xact_lock(${partitionLock});
      create table if not exists ${name} partition of event for values from ('${from.toISOString()}') to ('${to.toISOString()}')`,
    );
  }
}

/**
 * Drops whole days older than the retention and records how far, in the caller's transaction.
 * @returns names of the dropped partitions
 */
export async function dropEventPartitions(sql: Sql, today: Date, retentionDays: number): Promise<string[]> {
  const oldest = partitionName(new Date(Math.floor(today.getTime() / dayMs) * dayMs - retentionDays * dayMs));
  const partitions = await sql.rows<{ name: string }>(
    `select c.relname as name from pg_inherits i join pg_class c on c.oid = i.inhrelid
    where i.inhparent = 'event'::regclass and c.relname ~ '^event_[0-9]{8}$' and c.relname < $1 order by 1`,
    [oldest],
  );
  for (const { name } of partitions) {
    await sql.rows(
      `update event_floor f set xid = m.xid, seq = m.seq
      from (select xid, seq from ${name} order by xid desc, seq desc limit 1) m where (m.xid, m.seq) > (f.xid, f.seq)`,
    );
    await sql.rows(`drop table ${name}`);
  }
  return partitions.map((partition) => partition.name);
}

import type pg from 'pg';

interface Told {
  status?: string;
  version?: number;
  attempt?: number;
}

export interface Replay {
  /** What the log and the tables disagree about, in words; empty when they tell the same. */
  differences: string[];
  /** How many tasks, goals and runs were compared. */
  subjects: number;
}

/**
 * Replays the event log from its start and compares what it tells with the tables: for every task its status, attempt and
 * version, for every goal and run its status and version.
 */
export async function replayEventLog(database: Pick<pg.Pool, 'query'>): Promise<Replay> {
  const state = new Map<string, Told>();
  let after = { xid: '0', seq: '0' };
  for (;;) {
    const { rows } = await database.query<{ xid: string; seq: string; subject_id: string; payload: Told }>(
      `select xid::text, seq::text, subject_id, payload from event
      where (xid, seq) > ($1::xid8, $2::bigint) and type ~ '^(task|goal|workflow_run)\\.'
      order by event.xid, event.seq limit 5000`,
      [after.xid, after.seq],
    );
    for (const { subject_id, payload } of rows) {
      if (payload.version === undefined) continue;
      // A transaction may get its id, and so its place in the log, before one that changes the same row earlier.
      if ((state.get(subject_id)?.version ?? 0) < payload.version) state.set(subject_id, payload);
    }
    const last = rows.at(-1);
    if (!last) break;
    after = last;
  }
  const { rows } = await database.query<{
    id: string;
    kind: string;
    status: string;
    version: number;
    attempt: number | null;
  }>(
    `select id, 'task' as kind, status, version, attempt from task
    union all select id, 'goal', status, version, null from goal
    union all select id, 'workflow_run', status, version, null from workflow_run`,
  );
  const differences = rows.flatMap((row) => {
    const told = state.get(row.id);
    const [table, log] = [
      describe(row),
      told ? describe({ ...told, attempt: row.attempt === null ? null : told.attempt }) : 'nothing',
    ];
    return table === log ? [] : [`${row.kind} ${row.id}: the table says ${table}, the log ${log}`];
  });
  return { differences: differences.slice(0, 20), subjects: rows.length };
}

function describe({
  status,
  version,
  attempt,
}: {
  status?: string;
  version?: number;
  attempt?: number | null | undefined;
}): string {
  return `${status} version ${version}${attempt === null ? '' : ` attempt ${attempt}`}`;
}

import { comparePositions, decodeCursor, type LogPosition } from '../lib/cursor.ts';
import { ValidationError } from '../lib/errors.ts';
import { readEvents, readLogBounds, type EventRow } from '../stores/event-store.ts';
import type { Sql } from '../stores/sql.ts';
import type { Tenancy } from '../stores/tenancy.ts';
import type { EventPump } from './event-pump.ts';
import { readPatiently } from './read-patiently.ts';
import { matchesFilter, queryOf, toLogEvent, type EventFilter, type LogEvent } from './log-event.ts';

export interface FollowOptions extends Tenancy {
  /** Start behind this cursor; without it, with what follows. */
  after?: string | null | undefined;
  where?: EventFilter | null | undefined;
}

/** Live events waiting for a slow reader, at most; beyond, the reader goes back to reading the log. */
const maxWaiting = 2_000;
const catchUpPage = 500;

/**
 * Parses a cursor and refuses one that cannot be resumed without a gap.
 * @throws ValidationError for a malformed, foreign or outdated cursor
 */
export async function resumePosition(sql: Sql, cursor: string): Promise<LogPosition> {
  const position = decodeCursor(cursor);
  const bounds = await readLogBounds(sql);
  if (position.xid >= bounds.nextXid) {
    throw new ValidationError([
      {
        path: 'after',
        message: 'is a cursor of another database; leave it out to start anew',
        value: cursor,
      },
    ]);
  }
  if (comparePositions(position, bounds.floor) < 0) {
    throw new ValidationError([
      {
        path: 'after',
        message: 'is older than the retained history; reload, then start at latestEventCursor',
        value: cursor,
      },
    ]);
  }
  return position;
}

/**
 * Events in log order, each once: first what the log holds behind the cursor, then live. A reader too slow for the live
 * queue falls back to the log, so memory is bounded and nothing is skipped. So does, every time, one who sees some projects
 * only: which event is about which project is known to the database alone.
 * @param sources `sql` with the rights of the reader
 */
export async function* followEvents(
  sources: { sql: Sql; pump: EventPump },
  options: FollowOptions,
  signal: AbortSignal,
): AsyncGenerator<LogEvent, void, undefined> {
  const { sql, pump } = sources;
  const where = options.where ?? {};
  const resumed = typeof options.after === 'string' ? await resumePosition(sql, options.after) : undefined;
  let waiting: EventRow[] = [];
  let overflowed = false;
  let notify: (() => void) | undefined;
  const detach = await pump.attach((row) => {
    if (!matchesFilter(row, options.workspaceId, where)) return;
    if (waiting.length >= maxWaiting || options.projectIds) overflowed = true;
    else waiting.push(row);
    notify?.();
  });
  const onAbort = () => notify?.();
  signal.addEventListener('abort', onAbort);
  try {
    let behind = resumed !== undefined;
    let position: LogPosition = resumed ?? pump.position;
    while (!signal.aborted) {
      if (behind || overflowed) {
        // From here on the queue holds exactly what follows `upTo`.
        waiting = [];
        overflowed = false;
        const upTo = pump.position;
        for (;;) {
          const query = { ...queryOf(options.workspaceId, where), after: position, upTo, limit: catchUpPage };
          const page = await readPatiently(() => readEvents(sql, query), signal);
          for (const row of page) {
            if (signal.aborted) return;
            position = row;
            yield toLogEvent(row);
          }
          if (page.length < catchUpPage) break;
        }
        // What lies between was out of the reader's sight, and need not be looked through again.
        if (comparePositions(position, upTo) < 0) position = upTo;
        behind = false;
        continue;
      }
      const row = waiting.shift();
      if (row) {
        // A cursor ahead of the pump (another replica's) makes the pump deliver what the client has already seen.
        if (comparePositions(row, position) <= 0) continue;
        position = row;
        yield toLogEvent(row);
        continue;
      }
      await new Promise<void>((resolve) => {
        notify = resolve;
        if (signal.aborted || waiting.length > 0 || overflowed) resolve();
      });
      notify = undefined;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    detach();
  }
}

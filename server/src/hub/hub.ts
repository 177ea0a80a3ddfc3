import type { Pool } from 'pg';
import { logStart, encodeCursor } from '../lib/cursor.ts';
import { latestPosition, readEvents } from '../stores/event-store.ts';
import type { Sql } from '../stores/sql.ts';
import { sqlOfTenant, type Tenancy } from '../stores/tenancy.ts';
import type { EventPump } from './event-pump.ts';
import { followEvents, resumePosition, type FollowOptions } from './follow-events.ts';
import { queryOf, toLogEvent, type EventFilter, type LogEvent } from './log-event.ts';
import { OutputFeed, type OutputDelta } from './output-feed.ts';

/**
 * The five live topics. The first three are views of the log, so they resume by cursor; memory operations and the health
 * beat pass through memory only.
 */
export const topicEvents = {
  'agent.status': ['agent.*'],
  'agent.task': ['task.*'],
  'plan.update': ['goal.*', 'workflow_run.*'],
  'memory.operation': null,
  'system.health': null,
} as const satisfies { [topic: string]: readonly string[] | null };

export type UnloggedTopic = 'memory.operation' | 'system.health';

/** Values waiting for a slow reader of an unlogged topic; the oldest goes first, as a newer one replaces it. */
const maxWaitingValues = 100;

/** The communication hub: everything live that leaves the server is read here. */
export class Hub {
  readonly #sql: Sql;
  readonly #tenantPool: Pool;
  readonly #pump: EventPump;
  readonly #outputs: OutputFeed;
  readonly #readers = new Map<UnloggedTopic, Set<(value: unknown) => void>>();

  /** @param options `sql` with the rights of the hive, `tenantPool` of hive_tenant */
  constructor(options: { sql: Sql; tenantPool: Pool; pump: EventPump }) {
    this.#sql = options.sql;
    this.#tenantPool = options.tenantPool;
    this.#pump = options.pump;
    this.#outputs = new OutputFeed(options.tenantPool);
  }

  get outputs(): OutputFeed {
    return this.#outputs;
  }

  /** Events were committed in this process. */
  wake(): void {
    this.#pump.wake();
  }

  /** Every event behind the cursor once and in order, then live. @throws ValidationError for a cursor that cannot be resumed */
  events(options: FollowOptions, signal: AbortSignal): AsyncGenerator<LogEvent, void, undefined> {
    return followEvents({ sql: sqlOfTenant(this.#tenantPool, options), pump: this.#pump }, options, signal);
  }

  /** A page of history, oldest first. */
  async readEvents(
    options: Tenancy & {
      limit: number;
      after?: string | null | undefined;
      where?: EventFilter | null | undefined;
    },
  ): Promise<LogEvent[]> {
    const sql = sqlOfTenant(this.#tenantPool, options);
    const after = typeof options.after === 'string' ? await resumePosition(sql, options.after) : logStart;
    const rows = await readEvents(sql, {
      ...queryOf(options.workspaceId, options.where ?? {}),
      after,
      limit: options.limit,
    });
    return rows.map(toLogEvent);
  }

  async latestCursor(): Promise<string> {
    return encodeCursor(await latestPosition(this.#sql));
  }

  /** Streamed text of a task. */
  output(
    options: Tenancy & { taskId: string; after?: string | null | undefined },
    signal: AbortSignal,
  ): AsyncGenerator<OutputDelta, void, undefined> {
    return this.#outputs.follow(options, signal);
  }

  publish(topic: UnloggedTopic, value: unknown): void {
    for (const push of this.#readers.get(topic) ?? []) push(value);
  }

  async *topic(topic: UnloggedTopic, signal: AbortSignal): AsyncGenerator<unknown, void, undefined> {
    const waiting: unknown[] = [];
    let notify: (() => void) | undefined;
    const push = (value: unknown) => {
      if (waiting.length >= maxWaitingValues) waiting.shift();
      waiting.push(value);
      notify?.();
    };
    const readers = this.#readers.get(topic) ?? new Set();
    this.#readers.set(topic, readers.add(push));
    const onAbort = () => notify?.();
    signal.addEventListener('abort', onAbort);
    try {
      while (!signal.aborted) {
        if (waiting.length > 0) {
          yield waiting.shift();
          continue;
        }
        await new Promise<void>((resolve) => {
          notify = resolve;
          if (signal.aborted || waiting.length > 0) resolve();
        });
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
      readers.delete(push);
    }
  }
}

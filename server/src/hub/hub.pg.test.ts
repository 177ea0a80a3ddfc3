import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { enqueueTestTasks, until } from '../../../tests/support/engine.ts';
import { silentLog } from '../../../tests/support/log.ts';
import { systemClock } from '../lib/clock.ts';
import { comparePositions, decodeCursor, encodeCursor } from '../lib/cursor.ts';
import { NotFoundError, ValidationError } from '../lib/errors.ts';
import { dropEventPartitions, ensureEventPartitions } from '../stores/event-partitions.ts';
import { appendEvents } from '../stores/event-store.ts';
import { saveChunks } from '../stores/output-store.ts';
import { insertProject } from '../stores/project-store.ts';
import { sqlOfPool } from '../stores/sql.ts';
import { EventPump } from './event-pump.ts';
import { Hub } from './hub.ts';
import type { LogEvent } from './log-event.ts';

let database: TestDatabase;
let pump: EventPump;
let hub: Hub;
let stop: AbortController;
const subject = '00000000-0000-7000-8000-00000000000a';

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.pool.query('truncate event, task, output_chunk cascade');
  const sql = sqlOfPool(database.systemPool);
  pump = new EventPump({ sql, clock: systemClock, log: silentLog, pollMs: 20 });
  hub = new Hub({ sql, tenantPool: database.tenantPool, pump });
  stop = new AbortController();
});
afterEach(async () => {
  stop.abort();
  await pump.stop();
});

const append = (name: string, type = 'task.created') =>
  appendEvents(sqlOfPool(database.systemPool), [
    { workspaceId: database.workspaceId, type, subjectId: subject, payload: { name } },
  ]);
const nameOf = (event: LogEvent) => (event.payload as { name: string }).name;

async function take(events: AsyncIterable<LogEvent>, count: number): Promise<LogEvent[]> {
  const taken: LogEvent[] = [];
  for await (const event of events) {
    taken.push(event);
    if (taken.length === count) break;
  }
  return taken;
}

describe('events', () => {
  it('gives what is behind the cursor, then what happens', async () => {
    for (const name of ['1', '2', '3']) await append(name);
    const [first] = await hub.readEvents({ workspaceId: database.workspaceId, limit: 1 });
    const seen = take(
      hub.events({ workspaceId: database.workspaceId, after: first!.cursor }, stop.signal),
      4,
    );
    await until('the reader follows', () => pump.listenerCount === 1);
    for (const name of ['4', '5']) await append(name);
    expect((await seen).map(nameOf)).toEqual(['2', '3', '4', '5']);
  });

  it('gives only what follows without a cursor, and lets the pump rest when nobody listens', async () => {
    await append('before');
    const seen = take(hub.events({ workspaceId: database.workspaceId }, stop.signal), 1);
    await until('the reader follows', () => pump.listenerCount === 1);
    await systemClock.sleep(50);
    await append('after');
    expect((await seen).map(nameOf)).toEqual(['after']);
    expect(pump.listenerCount).toBe(0);
    const again = take(hub.events({ workspaceId: database.workspaceId }, stop.signal), 1);
    await until('the reader follows', () => pump.listenerCount === 1);
    await systemClock.sleep(50);
    await append('again');
    expect((await again).map(nameOf)).toEqual(['again']);
  });

  it('gives a reader limited to projects what is about them, from history, live and after a gap', async () => {
    const { workspaceId } = database;
    const sql = sqlOfPool(database.systemPool);
    const project = async (name: string) =>
      (await insertProject(sql, { workspaceId, name, rootPath: `/${name}` }))!.id;
    const [seen, hidden] = [await project('seen'), await project('hidden')];
    const happen = async (name: string) => {
      for (const id of [hidden, seen, hidden])
        await appendEvents(sql, [
          {
            ...{ workspaceId, type: 'project.ready', subjectId: id },
            payload: { name: id === seen ? name : 'secret' },
          },
        ]);
    };
    await happen('history');
    const tenancy = { workspaceId, projectIds: [seen] };
    expect((await hub.readEvents({ ...tenancy, limit: 10 })).map(nameOf)).toEqual(['history']);
    const after = encodeCursor({ xid: 1n, seq: 0n });
    const given = take(hub.events({ ...tenancy, after }, stop.signal), 4);
    await until('the reader follows', () => pump.listenerCount === 1);
    for (const name of ['live', 'more', 'last']) await happen(name);
    const events = await given;
    expect(events.map(nameOf)).toEqual(['history', 'live', 'more', 'last']);
    const resumed = take(hub.events({ ...tenancy, after: events[1]!.cursor }, stop.signal), 2);
    expect((await resumed).map(nameOf)).toEqual(['more', 'last']);
  });

  it('filters by type, subject, goal and workspace, in history and live', async () => {
    const goalId = '00000000-0000-7000-8000-0000000000ee';
    const emit = async () => {
      await append('a', 'task.created');
      await append('b', 'task.succeeded');
      await append('c', 'agent.status');
      await appendEvents(sqlOfPool(database.systemPool), [
        {
          workspaceId: database.workspaceId,
          type: 'goal.created',
          subjectId: goalId,
          payload: { name: 'g' },
        },
        {
          workspaceId: database.workspaceId,
          type: 'task.created',
          subjectId: subject,
          goalId,
          payload: { name: 't' },
        },
        { workspaceId: subject, type: 'goal.created', subjectId: goalId, payload: { name: 'elsewhere' } },
      ]);
    };
    await emit();
    const wheres = [
      { types: ['task.*'] },
      { types: ['agent.status'] },
      { goalId },
      { subjectId: goalId },
      { types: ['task.*'], goalId },
      { types: [] },
    ];
    const expected = [['a', 'b', 't'], ['c'], ['g', 't'], ['g'], ['t'], []];
    for (const [index, where] of wheres.entries()) {
      const history = await hub.readEvents({ workspaceId: database.workspaceId, limit: 100, where });
      expect(history.map(nameOf)).toEqual(expected[index]);
    }
    const live = wheres.map((where, index) =>
      take(
        hub.events({ workspaceId: database.workspaceId, where }, stop.signal),
        expected[index]!.length || 1,
      ),
    );
    await until('the readers follow', () => pump.listenerCount === wheres.length);
    await systemClock.sleep(50);
    await emit();
    const found = await Promise.all(live.slice(0, 5));
    expect(found.map((events) => events.map(nameOf))).toEqual(expected.slice(0, 5));
  });

  it('skips no event of a transaction that commits late, and repeats none, for a reader cut and resumed 50 times', async () => {
    const writers = 8;
    const perWriter = 60;
    let written = 0;
    const write = async (writer: number) => {
      for (let index = 0; index < perWriter; index += 1) {
        const client = await database.pool.connect();
        try {
          await client.query('begin');
          await client.query(
            `insert into event (workspace_id, type, subject_id, detail) values ($1, 'task.created', $2, jsonb_build_object('name', $3::text))`,
            [database.workspaceId, subject, `${writer}.${index}`],
          );
          // identity values are handed out now, commits happen in another order
          await systemClock.sleep((writer * 7 + index * 3) % 20);
          await client.query('commit');
          written += 1;
          pump.wake();
        } finally {
          client.release();
        }
      }
    };
    const seen: LogEvent[] = [];
    // before the first writer: a write that commits sooner is not what follows
    let cursor = await hub.latestCursor();
    const read = async () => {
      for (let cut = 0; cut <= 50; cut += 1) {
        const connection = new AbortController();
        // the last connection stays until everything was seen
        const quota = cut === 50 ? Infinity : 1 + (cut % 9);
        for await (const event of hub.events(
          { workspaceId: database.workspaceId, after: cursor },
          connection.signal,
        )) {
          seen.push(event);
          cursor = event.cursor;
          if (seen.length === writers * perWriter) return;
          if ((seen.length + cut) % quota === 0) break;
        }
        connection.abort();
      }
    };
    const reader = read();
    await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
    await reader;
    expect(written).toBe(writers * perWriter);
    expect(new Set(seen.map(nameOf)).size).toBe(writers * perWriter);
    const positions = seen.map((event) => decodeCursor(event.cursor));
    expect(
      positions.every(
        (position, index) => index === 0 || comparePositions(positions[index - 1]!, position) < 0,
      ),
    ).toBe(true);
  });

  it('gives everything to a reader far slower than the writers, from bounded memory', async () => {
    const after = await hub.latestCursor();
    const events = hub.events({ workspaceId: database.workspaceId, after }, stop.signal);
    await append('first');
    const seen = [nameOf((await events.next()).value as LogEvent)];
    await database.pool.query(
      `insert into event (workspace_id, type, subject_id, detail)
      select $1, 'task.created', $2, jsonb_build_object('name', n::text) from generate_series(1, 6000) n`,
      [database.workspaceId, subject],
    );
    await until(
      'the pump is far ahead',
      async () => encodeCursor(pump.position) === (await hub.latestCursor()),
    );
    while (seen.length < 6_001) seen.push(nameOf((await events.next()).value as LogEvent));
    expect(seen).toEqual(['first', ...Array.from({ length: 6_000 }, (_, index) => String(index + 1))]);
  });

  it('refuses a cursor it cannot resume', async () => {
    await append('x');
    const open = (after: string) =>
      take(hub.events({ workspaceId: database.workspaceId, after }, stop.signal), 1);
    await expect(open('nonsense')).rejects.toThrow(ValidationError);
    await expect(open('')).rejects.toThrow(ValidationError);
    await expect(open(encodeCursor({ xid: 2n ** 62n, seq: 1n }))).rejects.toThrow(/another database/);
    const [event] = await hub.readEvents({ workspaceId: database.workspaceId, limit: 1 });
    await database.pool.query(`update event_floor set xid = $1, seq = 9223372036854775807`, [
      decodeCursor(event!.cursor).xid.toString(),
    ]);
    await expect(open(event!.cursor)).rejects.toThrow(/retained/);
    await database.pool.query(`update event_floor set xid = '0', seq = 0`);
  });

  it('drops days past their retention and says so to cursors that point there', async () => {
    const sql = sqlOfPool(database.systemPool);
    await ensureEventPartitions(sql, new Date('2020-01-01T12:00:00Z'), 1);
    await database.pool.query(
      `insert into event (workspace_id, type, subject_id, at) values ($1, 'task.created', $2, '2020-01-01T10:00:00Z')`,
      [database.workspaceId, subject],
    );
    const [old] = await hub.readEvents({ workspaceId: database.workspaceId, limit: 1 });
    await append('new');
    expect(await dropEventPartitions(sql, new Date('2020-01-05T00:00:00Z'), 2)).toEqual([
      'event_20200101',
      'event_20200102',
    ]);
    expect((await hub.readEvents({ workspaceId: database.workspaceId, limit: 9 })).map(nameOf)).toEqual([
      'new',
    ]);
    // the dropped event was the newest there: nothing is missing behind it
    expect(
      await take(hub.events({ workspaceId: database.workspaceId, after: old!.cursor }, stop.signal), 1),
    ).toHaveLength(1);
    await database.pool.query(`update event_floor set xid = '0', seq = 0`);
  });
});

describe('partitions of the log', () => {
  it('are made once by servers that start at the same moment', async () => {
    const day = new Date('2021-03-01T00:00:00Z');
    await Promise.all(
      Array.from({ length: 6 }, () => ensureEventPartitions(sqlOfPool(database.systemPool), day, 2)),
    );
    const { rows } = await database.pool.query<{ name: string }>(
      `select relname as name from pg_class where relname ~ '^event_202103[0-9]+$' order by 1`,
    );
    expect(rows.map((row) => row.name)).toEqual(['event_20210301', 'event_20210302', 'event_20210303']);
    await database.pool.query(`drop table event_20210301, event_20210302, event_20210303`);
  });
});

describe('output', () => {
  const insertTask = async () => (await enqueueTestTasks(database, [{}]))[0]!;
  const finish = (id: string) =>
    database.pool.query(
      `update task set status = 'SUCCEEDED', attempt = 1, finished_at = now() where id = $1`,
      [id],
    );
  const collect = async (taskId: string, after?: string) => {
    const pieces = [];
    for await (const piece of hub.output({ workspaceId: database.workspaceId, taskId, after }, stop.signal))
      pieces.push(piece);
    return pieces;
  };
  const publish = (taskId: string, text: string, attempt = 1) =>
    hub.outputs.publish({ taskId, attempt, text });

  it('gives late and early watchers the same text, and a resumed one the rest', async () => {
    const id = await insertTask();
    const early = collect(id);
    publish(id, 'Hello ');
    const late = collect(id);
    await systemClock.sleep(20);
    publish(id, 'wörld 🐝!');
    await saveChunks(sqlOfPool(database.systemPool), [
      { taskId: id, workspaceId: database.workspaceId, attempt: 1, startOffset: 0, text: 'Hello wörld 🐝!' },
    ]);
    await finish(id);
    hub.outputs.end({ id, attempt: 1 });
    for (const pieces of [await early, await late, await collect(id)]) {
      expect(pieces.map((piece) => piece.text).join('')).toBe('Hello wörld 🐝!');
      expect(pieces.filter((piece) => piece.done)).toHaveLength(1);
      expect(pieces.at(-1)!.done).toBe(true);
      let offset = 0;
      for (const piece of pieces) {
        expect(piece.offset).toBe(offset);
        offset += piece.text.length;
      }
    }
    const [first] = await early;
    const rest = await collect(id, first!.cursor);
    expect(first!.text + rest.map((piece) => piece.text).join('')).toBe('Hello wörld 🐝!');
  });

  it('starts anew with each attempt', async () => {
    const id = await insertTask();
    await saveChunks(sqlOfPool(database.systemPool), [
      { taskId: id, workspaceId: database.workspaceId, attempt: 1, startOffset: 0, text: 'broken' },
    ]);
    publish(id, 'whole', 2);
    const watching = collect(id);
    await systemClock.sleep(20);
    await finish(id);
    hub.outputs.end({ id, attempt: 2 });
    expect((await watching).map((piece) => [piece.attempt, piece.offset, piece.text])).toEqual([
      [1, 0, 'broken'],
      [2, 0, 'whole'],
      [2, 5, ''],
    ]);
  });

  it('follows a task that runs in another process by its saved text', async () => {
    const id = await insertTask();
    const watching = collect(id);
    await saveChunks(sqlOfPool(database.systemPool), [
      { taskId: id, workspaceId: database.workspaceId, attempt: 1, startOffset: 0, text: 'from ' },
    ]);
    await systemClock.sleep(350);
    await saveChunks(sqlOfPool(database.systemPool), [
      { taskId: id, workspaceId: database.workspaceId, attempt: 1, startOffset: 5, text: 'afar' },
    ]);
    await finish(id);
    expect((await watching).map((piece) => piece.text).join('')).toBe('from afar');
  });

  it('goes on through a restart of the database', async () => {
    const id = await insertTask();
    const sql = sqlOfPool(database.systemPool);
    let away = true;
    const { tenantPool } = database;
    const query = (statement: never) =>
      away ? Promise.reject(new Error('Connection terminated unexpectedly')) : tenantPool.query(statement);
    const restarting = new Hub({ sql, pump, tenantPool: { query } as unknown as typeof tenantPool });
    const pieces: string[] = [];
    const watching = (async () => {
      const options = { workspaceId: database.workspaceId, taskId: id };
      for await (const piece of restarting.output(options, stop.signal)) pieces.push(piece.text);
    })();
    await systemClock.sleep(30);
    await saveChunks(sql, [
      { taskId: id, workspaceId: database.workspaceId, attempt: 1, startOffset: 0, text: 'still here' },
    ]);
    await finish(id);
    away = false;
    await watching;
    expect(pieces.join('')).toBe('still here');
  });

  it('refuses unknown tasks and foreign cursors', async () => {
    await expect(collect(subject)).rejects.toThrow(NotFoundError);
    await expect(collect(await insertTask(), 'nonsense')).rejects.toThrow(ValidationError);
  });
});

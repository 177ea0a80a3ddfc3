import { afterAll, beforeAll, expect, it } from 'vitest';
import { comparePositions, decodeCursor } from '../../server/src/lib/cursor.ts';
import { startTestApi, type TestApi } from '../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { socketClient, subscribe } from '../support/graphql-client.ts';

let database: TestDatabase;
let api: TestApi;
beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
});
afterAll(async () => {
  await api.close();
  await database.drop();
});

const writers = 12;
const perWriter = 80;
const subject = '00000000-0000-7000-8000-00000000000a';

/** A transaction that gets its place in the log early and commits late, each by another delay. */
async function writeSlowly(writer: number): Promise<void> {
  for (let index = 0; index < perWriter; index += 1) {
    const client = await database.pool.connect();
    try {
      await client.query('begin');
      await client.query(
        `insert into event (workspace_id, type, subject_id, detail) values ($1, 'task.created', $2, jsonb_build_object('name', $3::text))`,
        [database.workspaceId, subject, `${writer}.${index}`],
      );
      await new Promise((resolve) => setTimeout(resolve, (writer * 7 + index * 3) % 25));
      await client.query('commit');
    } finally {
      client.release();
    }
    api.hub.wake();
  }
}

it('gives every event once and in cursor order to a WebSocket client that is cut and resumed 50 times', async () => {
  interface Data {
    events: { cursor: string; payload: { name: string } };
  }
  const seen: Data['events'][] = [];
  // before the first writer: a write that commits sooner is not what follows
  let cursor = await api.hub.latestCursor();
  const follow = async () => {
    for (let cut = 0; ; cut += 1) {
      const client = socketClient(api.url);
      const events = subscribe<Data>(
        client,
        'subscription ($after: String) { events(after: $after) { cursor payload } }',
        { after: cursor },
      );
      try {
        for await (const { data } of events) {
          seen.push(data!.events);
          cursor = data!.events.cursor;
          if (seen.length === writers * perWriter) return cut;
          // the network goes away without a word; what was on its way is lost with it
          if (cut < 50 && seen.length >= (cut + 1) * 15) client.cut();
        }
      } catch {
        // the cut
      } finally {
        await client.dispose();
      }
    }
  };
  const following = follow();
  await Promise.all(Array.from({ length: writers }, (_, writer) => writeSlowly(writer)));
  expect(await following).toBe(50);
  const names = new Set(seen.map((event) => event.payload.name));
  expect(names.size).toBe(writers * perWriter);
  expect(seen).toHaveLength(writers * perWriter);
  const positions = seen.map((event) => decodeCursor(event.cursor));
  expect(
    positions.every(
      (position, index) => index === 0 || comparePositions(positions[index - 1]!, position) < 0,
    ),
  ).toBe(true);
});

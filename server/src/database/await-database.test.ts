import { createServer, type Server } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { recordingLog } from '../../../tests/support/log.ts';
import type { Clock } from '../lib/clock.ts';
import { awaitDatabase } from './await-database.ts';

let server: Server | undefined;
afterEach(() => server?.close());

/** A clock that jumps a second with every sleep. */
function jumpingClock(): Clock {
  let now = 0;
  return { now: () => now, sleep: async () => void (now += 1_000) };
}
const listen = (onSocket: Parameters<typeof createServer>[1]): Promise<number> =>
  new Promise((resolve) => {
    server = createServer(onSocket).listen(0, '127.0.0.1', () =>
      resolve((server!.address() as { port: number }).port),
    );
  });

it('waits for a database that is away, says so once, then gives up without telling the password', async () => {
  const port = await listen(() => {});
  await new Promise((resolve) => server!.close(resolve));
  const log = recordingLog();
  const waiting = awaitDatabase({
    url: `postgres://hive:secret@127.0.0.1:${port}/hive`,
    clock: jumpingClock(),
    log,
    patienceMs: 3_000,
  });
  const error = await waiting.catch((thrown: unknown) => thrown as Error);
  expect((error as Error).message).toMatch(
    /database at 127\.0\.0\.1:\d+\/hive did not answer within 3 s: .*ECONNREFUSED.* correct DATABASE_URL/,
  );
  expect((error as Error).message).not.toContain('secret');
  expect(log.lines.map((line) => line.message)).toEqual(['waiting for the database']);
});

it('does not wait for what is no PostgreSQL', async () => {
  // the shape of PostgreSQL's own refusal: an ErrorResponse with severity, code and message
  const port = await listen((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      const fields = Buffer.from('SFATAL\0C28P01\0Mpassword authentication failed for user "hive"\0\0');
      const head = Buffer.alloc(5);
      head.write('E');
      head.writeInt32BE(fields.length + 4, 1);
      socket.end(Buffer.concat([head, fields]));
    });
  });
  const refused = awaitDatabase({
    url: `postgres://hive:secret@127.0.0.1:${port}/hive`,
    clock: jumpingClock(),
    log: recordingLog(),
  });
  await expect(refused).rejects.toThrow(/cannot be used: password authentication failed/);
});

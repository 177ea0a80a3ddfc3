import { randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { until } from '../../../tests/support/engine.ts';
import { silentLog } from '../../../tests/support/log.ts';
import { startRedisDouble, type RedisDouble } from '../../../tests/support/redis-double.ts';
import { systemClock } from '../lib/clock.ts';
import { PostgresWakes } from './postgres-wakes.ts';
import { RedisWakes } from './redis-wakes.ts';
import { WakeChannel } from './wake-channel.ts';
import type { WakeTransport } from './wake-transport.ts';

let database: TestDatabase;
let redis: RedisDouble;
const channels: WakeChannel[] = [];
beforeAll(async () => {
  database = await createTestDatabase();
  redis = await startRedisDouble();
});
afterEach(async () => {
  await Promise.all(channels.splice(0).map((channel) => channel.stop()));
});
afterAll(async () => {
  await redis.close();
  await database.drop();
});

const onPostgres = () =>
  new PostgresWakes({
    connection: database.systemConnection,
    pool: database.systemPool,
    clock: systemClock,
    log: silentLog,
  });
const onRedis = () => new RedisWakes({ url: redis.url, log: silentLog });

function join(...transports: WakeTransport[]) {
  const seen = { wakes: 0, canceled: [] as string[] };
  const channel = new WakeChannel({
    transports,
    log: silentLog,
    onWake: () => (seen.wakes += 1),
    onCancel: (taskId) => seen.canceled.push(taskId),
  });
  channels.push(channel);
  channel.start();
  return { channel, seen };
}

it.each([
  ['PostgreSQL', () => [onPostgres()]],
  ['Redis', () => [onRedis()]],
  ['both', () => [onRedis(), onPostgres()]],
])('wakes the others, not itself, over %s', async (_name, transports) => {
  const [one, other] = [join(...transports()), join(...transports())];
  // each is woken once when it begins to listen
  await until('both listen', () => one.seen.wakes > 0 && other.seen.wakes > 0);
  await systemClock.sleep(50);
  const before = one.seen.wakes;
  const ids = Array.from({ length: 250 }, () => randomUUID());
  for (const id of ids) one.channel.notifyCancel(id);
  await until('all cancels arrived', () => other.seen.canceled.length === ids.length);
  expect(other.seen.canceled).toEqual(ids);
  expect(one.seen.canceled).toEqual([]);
  expect(one.seen.wakes).toBe(before);
});

it('goes on over PostgreSQL while Redis is away, and over Redis again when it is back', async () => {
  const [first, second] = [onRedis(), onRedis()];
  const [one, other] = [join(first, onPostgres()), join(second, onPostgres())];
  await until('both listen on Redis', () => first.ready && second.ready && redis.subscriberCount() === 2);
  await until('both listen on PostgreSQL', () => one.seen.wakes >= 2 && other.seen.wakes >= 2);
  await redis.cut();
  await until('the loss was noticed', () => !first.ready && !second.ready);
  const [during, after] = [randomUUID(), randomUUID()];
  one.channel.notifyCancel(during);
  await until('it arrived without Redis', () => other.seen.canceled.includes(during));
  await redis.resume();
  await until('both are back', () => first.ready && second.ready && redis.subscriberCount() === 2);
  one.channel.notifyCancel(after);
  await until('it arrived', () => other.seen.canceled.includes(after));
});

it('ignores what is no wake', async () => {
  const { seen } = join(onPostgres());
  await until('it listens', () => seen.wakes > 0);
  await database.pool.query(`select pg_notify('hive_wake', 'stranger not-an-id ; drop table task')`);
  await until('it was woken', () => seen.wakes > 1);
  expect(seen.canceled).toEqual([]);
});

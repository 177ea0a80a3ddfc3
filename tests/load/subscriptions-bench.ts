import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import pg from 'pg';
import { socketClient, subscribe, type SocketClient } from '../support/graphql-client.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import type { BenchEnvironment } from './environment.ts';
import { percentile, type BenchReport } from './report.ts';
import type { BenchScale } from './tasks-bench.ts';

const query = `subscription Ticks($where: EventFilter) { events(where: $where) { cursor type payload } }`;
const warmUp = 20;

interface Tick {
  events: { payload: { n: number } };
}

interface Follower {
  client: SocketClient;
  results: ReturnType<typeof subscribe<Tick>>;
}

/**
 * Time from the moment a transaction with one event is told to commit until each subscriber's socket has the message. The
 * writer is another process than the server, so that the way over NOTIFY, pump, execution and socket is all in it.
 */
export async function benchSubscriptions(
  environment: BenchEnvironment,
  { scale }: BenchScale,
): Promise<BenchReport> {
  const databaseUrl = await environment.createDatabase('subscriptions');
  const server = await startServer({ databaseUrl });
  const writer = new pg.Client({ connectionString: databaseUrl });
  const rows: BenchReport['rows'] = [];
  let idle = '';
  try {
    await writer.connect();
    const { rows: found } = await writer.query<{ id: string }>(
      `select id from workspace where slug = 'default'`,
    );
    const idleMiB = residentMiB(server);
    for (const [subscribers, everyMs] of [
      [1, 20],
      [100, 20],
      [1_000, 100],
    ] as const) {
      const writes = Math.ceil((subscribers === 1_000 ? 150 : 400) * scale);
      const measured = await measure({
        server,
        writer,
        workspaceId: found[0]!.id,
        subscribers,
        writes,
        everyMs,
      });
      rows.push({
        subscribers: String(subscribers),
        events: String(writes),
        p50: percentile(measured.latencies, 50),
        p95: percentile(measured.latencies, 95),
        p99: percentile(measured.latencies, 99),
        max: percentile(measured.latencies, 100),
        'server MiB': measured.serverMiB,
      });
    }
    idle = `server before the first subscriber: ${idleMiB.toFixed(0)} MiB resident`;
  } finally {
    await writer.end();
    await server.stop();
  }
  return {
    name: 'subscriptions',
    method:
      'ms from COMMIT sent by another process to the message at the graphql-ws client (commit included)',
    rows,
    notes: [
      idle,
      'checked: every subscriber got every event once and in order; server MiB is the resident size of the server process',
      'clients, server and PostgreSQL share the cores: with 1,000 subscribers the clients take more of them than the server',
    ],
  };
}

interface Measurement {
  server: ServerProcess;
  writer: pg.Client;
  workspaceId: string;
  subscribers: number;
  writes: number;
  everyMs: number;
}

async function measure(options: Measurement): Promise<{ latencies: number[]; serverMiB: number }> {
  const { server, writer, workspaceId, subscribers, everyMs } = options;
  const total = options.writes + warmUp;
  const type = `bench.tick_${subscribers}`;
  const followers: Follower[] = Array.from({ length: subscribers }, () => {
    const client = socketClient(server.url);
    return { client, results: subscribe<Tick>(client, query, { where: { types: [type] } }) };
  });
  const sentAt = new Float64Array(total);
  const latencies: number[] = [];
  try {
    const connected = allConnected(followers);
    const reading = followers.map(async ({ results }) => {
      for (let expected = 0; expected < total; expected += 1) {
        const { value } = (await results.next()) as {
          value: { data?: Tick | null; errors?: unknown } | undefined;
        };
        const arrivedAt = performance.now();
        const n = value?.data?.events.payload.n;
        if (n !== expected)
          throw new Error(`event ${n} instead of ${expected}: ${JSON.stringify(value?.errors)}`);
        if (n >= warmUp) latencies.push(arrivedAt - sentAt[n]!);
      }
    });
    const failed = Promise.all(reading);
    failed.catch(() => {});
    if (!(await connected)) throw new Error('not everyone could connect');
    // A subscription is answered by its first event only; one subscribed too late fails the check below.
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    for (let n = 0; n < total; n += 1) {
      await new Promise((resolve) => setTimeout(resolve, everyMs));
      await writer.query('begin');
      await writer.query({
        name: 'tick',
        text: `insert into event (workspace_id, type, subject_id, detail) values ($1, $2, $3, jsonb_build_object('n', $4::int))`,
        values: [workspaceId, type, randomUUID(), n],
      });
      await writer.query(`notify hive_wake, 'bench'`);
      sentAt[n] = performance.now();
      await writer.query('commit');
    }
    await failed;
    const serverMiB = residentMiB(server);
    if (latencies.length !== options.writes * subscribers)
      throw new Error(`${latencies.length} messages instead of ${options.writes * subscribers}`);
    return { latencies, serverMiB };
  } finally {
    await Promise.all(
      followers.map(async ({ client, results }) => {
        await results.return?.();
        await client.dispose();
      }),
    );
  }
}

async function allConnected(followers: readonly Follower[]): Promise<boolean> {
  const opened = followers.map(
    ({ client }) =>
      new Promise<boolean>((resolve) => {
        client.on('connected', () => resolve(true));
        client.on('closed', () => resolve(false));
      }),
  );
  return (await Promise.all(opened)).every(Boolean);
}

function residentMiB(server: ServerProcess): number {
  if (process.platform !== 'linux') return Number.NaN;
  const status = readFileSync(`/proc/${server.pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1_024;
}

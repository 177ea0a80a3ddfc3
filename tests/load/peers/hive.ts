import { randomUUID } from 'node:crypto';
import { connectDatabase } from '../../../server/src/database/connect.ts';
import { migrate } from '../../../server/src/database/migrate.ts';
import { assignSlots } from '../../../server/src/engines/optimization/assign-slots.ts';
import { TaskExecution } from '../../../server/src/engines/task-execution/task-execution.ts';
import { PostgresWakes } from '../../../server/src/hub/postgres-wakes.ts';
import { WakeChannel } from '../../../server/src/hub/wake-channel.ts';
import { systemClock } from '../../../server/src/lib/clock.ts';
import { ensureEventPartitions } from '../../../server/src/stores/event-partitions.ts';
import { sqlOfPool } from '../../../server/src/stores/sql.ts';
import { enqueueTasks, type NewTask } from '../../../server/src/stores/task-enqueue.ts';
import { silentLog } from '../../support/log.ts';
import { Countdown, inBatches, type PeerEnvironment, type QueuePeer } from './queue-peer.ts';

const agents = 4;
const concurrency = 4_000;
const claimBatch = 1_000;

/** This project's engine as the server wires it: claims for agents, leases, fenced batch settling, 3 events a task, NOTIFY. */
export async function openHive({ databaseUrl }: PeerEnvironment): Promise<QueuePeer> {
  await migrate({ url: databaseUrl, log: silentLog });
  const database = await connectDatabase({ url: databaseUrl, log: silentLog });
  const { systemPool: pool, systemConnection: connection } = database;
  const sql = sqlOfPool(pool);
  await ensureEventPartitions(sql, new Date(), 1);
  const found = await pool.query<{ id: string }>(`select id from workspace where slug = 'default'`);
  const workspaceId = found.rows[0]!.id;
  await pool.query(
    `insert into agent (workspace_id, name, role, kind, status, capabilities, max_concurrency, last_heartbeat_at)
    select $1, 'worker ' || n, 'worker', 'LLM', 'IDLE', '{work}', $2, now() from generate_series(1, $3) n on conflict do nothing`,
    [workspaceId, Math.ceil(concurrency / agents), agents],
  );
  const newTask = (job: number): NewTask => ({
    workspaceId,
    nodeId: 'job',
    kind: 'AGENT',
    title: 'Do nothing',
    instruction: 'Nothing at all.',
    input: { job },
    requiredCapabilities: ['work'],
  });
  let engine: TaskExecution | undefined;
  return {
    settings: `concurrency ${concurrency}, ${agents} agents, claims of ${claimBatch}; all rows and events kept`,
    fill: (from, count) => inBatches(from, count, (jobs) => enqueueTasks(sql, jobs.map(newTask))),
    async add(job) {
      await enqueueTasks(sql, [newTask(job)]);
      engine?.wake();
    },
    async work(onStart) {
      const done = new Countdown();
      const wakes = new WakeChannel({
        transports: [new PostgresWakes({ connection, pool, clock: systemClock, log: silentLog })],
        log: silentLog,
        onWake: () => engine?.wake(),
        onCancel: () => {},
      });
      wakes.start();
      const started = new TaskExecution({
        pool,
        clock: systemClock,
        log: silentLog,
        leaseOwner: `bench:${randomUUID()}`,
        leaseMs: 30_000,
        concurrency,
        claimBatch,
        kinds: {
          AGENT: {
            run: ({ task }) => {
              onStart(Number(task.input['job']));
              return Promise.resolve(undefined);
            },
          },
        },
        assign: assignSlots,
        onCommitted: () => wakes.notify(),
        onSettled: () => done.add(),
      });
      engine = started;
      started.start();
      return {
        settled: (count) => done.reached(count),
        async stop() {
          await started.drain(1_000);
          await wakes.stop();
          engine = undefined;
        },
      };
    },
    async verify(total) {
      const { rows } = await pool.query<{ [count: string]: number }>(
        `select (select count(*)::int from task where status = 'SUCCEEDED' and attempt = 1) as done,
          (select count(*)::int from task) as tasks,
          (select count(*)::int from attempt) as failed,
          (select count(*)::int from event where type like 'task.%') as events,
          (select count(*)::int from (
            select from event group by subject_id
            having array_agg(type order by xid, seq) = '{task.created,task.started,task.succeeded}'
          ) t) as histories`,
      );
      const counts = rows[0]!;
      const wanted: { [count: string]: number } = {
        done: total,
        tasks: total,
        failed: 0,
        events: 3 * total,
        histories: total,
      };
      const wrong = Object.keys(wanted).filter((key) => counts[key] !== wanted[key]);
      return wrong.length === 0
        ? undefined
        : wrong.map((key) => `${key}: ${counts[key]} instead of ${wanted[key]}`).join(', ');
    },
    close: () => database.close(),
  };
}

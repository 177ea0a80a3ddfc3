import { Logger, makeWorkerUtils, run, runMigrations } from 'graphile-worker';
import pg from 'pg';
import { inBatches, type PeerEnvironment, type QueuePeer } from './queue-peer.ts';

const quiet = new Logger(() => () => {});

interface Tuning {
  concurrentJobs: number;
  localQueueSize?: number;
  completeJobBatchDelay?: number;
  poolSize: number;
}

/** Out of the box, but with more jobs at a time than its default of one. */
export const graphileDefault: Tuning = { concurrentJobs: 24, poolSize: 26 };
/** Its settings for throughput: jobs fetched and completed in batches; the best of those tried. */
export const graphileBatched: Tuning = {
  concurrentJobs: 100,
  localQueueSize: 1_000,
  completeJobBatchDelay: 0,
  poolSize: 26,
};

export async function openGraphile({ databaseUrl }: PeerEnvironment, tuning: Tuning): Promise<QueuePeer> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: tuning.poolSize });
  // It warns about a pool without these.
  pool.on('error', () => {});
  pool.on('connect', (client) => void client.on('error', () => {}));
  await runMigrations({ pgPool: pool, logger: quiet });
  const utils = await makeWorkerUtils({ pgPool: pool, logger: quiet });
  const pending = async () =>
    (await pool.query(`select 1 from graphile_worker._private_jobs limit 1`)).rows.length > 0;
  const worker = {
    concurrentJobs: tuning.concurrentJobs,
    maxPoolSize: tuning.poolSize,
    ...(tuning.localQueueSize === undefined ? {} : { localQueue: { size: tuning.localQueueSize } }),
    ...(tuning.completeJobBatchDelay === undefined
      ? {}
      : {
          completeJobBatchDelay: tuning.completeJobBatchDelay,
          failJobBatchDelay: tuning.completeJobBatchDelay,
        }),
  };
  return {
    settings:
      `concurrentJobs ${tuning.concurrentJobs}` +
      (tuning.localQueueSize === undefined
        ? ', no batching'
        : `, localQueue ${tuning.localQueueSize}, completeJobBatchDelay ${tuning.completeJobBatchDelay}`) +
      '; deletes what is done',
    fill: (from, count) =>
      inBatches(from, count, (jobs) =>
        utils.addJobs(jobs.map((job) => ({ identifier: 'noop', payload: { job } }))),
      ),
    async add(job) {
      await utils.addJob('noop', { job });
    },
    async work(onStart) {
      let startedCount = 0;
      const runner = await run({
        pgPool: pool,
        logger: quiet,
        noHandleSignals: true,
        preset: { worker },
        taskList: {
          noop: (payload) => {
            startedCount += 1;
            onStart((payload as { job: number }).job);
          },
        },
      });
      return {
        async settled(count) {
          // It tells nobody when a batch of completions is written, so its table is asked, first when all have run.
          while (startedCount < count || (await pending()))
            await new Promise((resolve) => setTimeout(resolve, 5));
        },
        stop: () => runner.stop(),
      };
    },
    async verify() {
      return (await pending()) ? 'jobs are left in the table' : undefined;
    },
    async close() {
      await utils.release();
      await pool.end();
    },
  };
}

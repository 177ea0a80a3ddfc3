import { Queue, Worker } from 'bullmq';
import { Countdown, inBatches, type PeerEnvironment, type QueuePeer } from './queue-peer.ts';

const concurrency = 200;

export async function openBullmq({ redisUrl }: PeerEnvironment): Promise<QueuePeer> {
  if (redisUrl === undefined) throw new Error('BullMQ needs Redis.');
  const connection = { host: '127.0.0.1', port: Number(new URL(redisUrl).port), maxRetriesPerRequest: null };
  const queue = new Queue('bench', { connection, defaultJobOptions: { removeOnComplete: true } });
  await queue.waitUntilReady();
  return {
    settings: `concurrency ${concurrency}; deletes what is done; Redis with appendonly yes, appendfsync everysec (up to 1 s can be lost)`,
    fill: (from, count) =>
      inBatches(from, count, (jobs) => queue.addBulk(jobs.map((job) => ({ name: 'noop', data: { job } })))),
    async add(job) {
      await queue.add('noop', { job });
    },
    async work(onStart) {
      const done = new Countdown();
      const worker = new Worker<{ job: number }>(
        'bench',
        (job) => {
          onStart(job.data.job);
          return Promise.resolve();
        },
        { connection, concurrency },
      );
      worker.on('completed', () => done.add());
      await worker.waitUntilReady();
      return { settled: (count) => done.reached(count), stop: () => worker.close() };
    },
    async verify() {
      const counts = await queue.getJobCounts('waiting', 'active', 'delayed', 'failed');
      const left = Object.values(counts).reduce((sum, count) => sum + count, 0);
      return left === 0 ? undefined : `${left} jobs are left: ${JSON.stringify(counts)}`;
    },
    close: () => queue.close(),
  };
}

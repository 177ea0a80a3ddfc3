import { openBullmq } from './bullmq.ts';
import { graphileBatched, graphileDefault, openGraphile } from './graphile.ts';
import { openHive } from './hive.ts';
import type { PeerEnvironment, QueuePeer } from './queue-peer.ts';

export type PeerName = 'hive' | 'graphile-batched' | 'graphile-default' | 'bullmq';

export type PeerCommand =
  | { type: 'open'; peer: PeerName; environment: PeerEnvironment }
  | { type: 'throughput'; count: number }
  | { type: 'latency'; count: number; everyMs: number }
  | { type: 'close' };

export interface ThroughputResult {
  count: number;
  enqueueMs: number;
  runMs: number;
}

export type PeerReply =
  | { type: 'opened'; settings: string }
  | { type: 'throughput'; result: ThroughputResult }
  | { type: 'latency'; startMs: number[] }
  | { type: 'closed' }
  | { type: 'failed'; message: string };

const openers: { readonly [name in PeerName]: (environment: PeerEnvironment) => Promise<QueuePeer> } = {
  hive: openHive,
  'graphile-batched': (environment) => openGraphile(environment, graphileBatched),
  'graphile-default': (environment) => openGraphile(environment, graphileDefault),
  bullmq: openBullmq,
};

let peer: QueuePeer | undefined;
/** Jobs added so far, over all runs. */
let total = 0;

/** @throws Error when a job was lost, ran twice or is not recorded as it should be: the measurement is void then */
async function check(starts: Uint8Array, queue: QueuePeer): Promise<void> {
  const wrong = starts.findIndex((count) => count !== 1);
  if (wrong >= 0) throw new Error(`job ${wrong} started ${starts[wrong]} times`);
  const problem = await queue.verify(total);
  if (problem !== undefined) throw new Error(problem);
}

async function throughput(queue: QueuePeer, count: number): Promise<ThroughputResult> {
  const base = total;
  total += count;
  const starts = new Uint8Array(count);
  const beginAt = performance.now();
  await queue.fill(base, count);
  const filledAt = performance.now();
  const work = await queue.work((job) => void (starts[job - base]! += 1));
  await work.settled(count);
  const endAt = performance.now();
  await work.stop();
  await check(starts, queue);
  return { count, enqueueMs: filledAt - beginAt, runMs: endAt - filledAt };
}

/** Milliseconds from the call that adds a job to its handler's first line, one job every `everyMs`. */
async function latency(queue: QueuePeer, count: number, everyMs: number): Promise<number[]> {
  const base = total;
  total += count;
  const starts = new Uint8Array(count);
  const addedAt = new Float64Array(count);
  const startedAt = new Float64Array(count);
  const work = await queue.work((job) => {
    starts[job - base]! += 1;
    startedAt[job - base] = performance.now();
  });
  const adding: Promise<void>[] = [];
  for (let index = 0; index < count; index += 1) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    addedAt[index] = performance.now();
    adding.push(queue.add(base + index));
  }
  await Promise.all(adding);
  await work.settled(count);
  await work.stop();
  await check(starts, queue);
  return Array.from(startedAt, (at, index) => at - addedAt[index]!);
}

async function answer(command: PeerCommand): Promise<PeerReply> {
  if (command.type === 'open') {
    peer = await openers[command.peer](command.environment);
    return { type: 'opened', settings: peer.settings };
  }
  if (!peer) throw new Error('no peer is open');
  if (command.type === 'throughput')
    return { type: 'throughput', result: await throughput(peer, command.count) };
  if (command.type === 'latency')
    return { type: 'latency', startMs: await latency(peer, command.count, command.everyMs) };
  await peer.close();
  return { type: 'closed' };
}

process.on('message', (command: PeerCommand) => {
  answer(command).then(
    (reply) => {
      process.send?.(reply, () => {
        if (reply.type === 'closed') process.disconnect?.();
      });
    },
    (error: unknown) =>
      process.send?.({
        type: 'failed',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      }),
  );
});
// The bench is gone: nothing of it may stay.
process.on('disconnect', () => process.exit(0));

import type { BenchEnvironment } from './environment.ts';
import { PeerHandle } from './peers/peer-handle.ts';
import type { PeerName, ThroughputResult } from './peers/peer-process.ts';
import { median, ratioText, type BenchReport } from './report.ts';
import { alternate } from './rounds.ts';

/** Jobs a round: some seconds of work for each. */
const jobs: { readonly [name in PeerName]: number } = {
  hive: 50_000,
  'graphile-batched': 50_000,
  'graphile-default': 10_000,
  bullmq: 30_000,
};

export interface BenchScale {
  passes: number;
  /** Multiplies counts; below 1 for a quick look. */
  scale: number;
  /** Only these peers, besides ours. */
  peers?: readonly string[] | undefined;
}

export function peerNames(environment: BenchEnvironment, only: readonly string[] | undefined): PeerName[] {
  const all: PeerName[] = ['hive', 'graphile-batched', 'graphile-default'];
  if (environment.redisUrl !== undefined) all.push('bullmq');
  return all.filter((name) => name === 'hive' || only === undefined || only.includes(name));
}

/** Durable no-op tasks per second, queue filled first, then run empty. */
export async function benchTasks(
  environment: BenchEnvironment,
  { passes, scale, peers: only }: BenchScale,
): Promise<BenchReport> {
  const peers: PeerHandle[] = [];
  const results = new Map<PeerName, ThroughputResult[]>();
  try {
    for (const name of peerNames(environment, only)) {
      peers.push(
        await PeerHandle.open(name, await environment.peerEnvironment(`tasks_${name.replace('-', '_')}`)),
      );
    }
    // Compiles the code and the statements; not counted.
    for (const peer of peers) await peer.throughput(Math.ceil(jobs[peer.name] * 0.1 * scale));
    await alternate(peers, passes, async (peer) => {
      await environment.checkpoint();
      const result = await peer.throughput(Math.ceil(jobs[peer.name] * scale));
      results.set(peer.name, [...(results.get(peer.name) ?? []), result]);
    });
  } finally {
    for (const peer of peers) await peer.close();
  }
  return report(peers, results, passes);
}

const runRate = (result: ThroughputResult) => (result.count / result.runMs) * 1_000;
const enqueueRate = (result: ThroughputResult) => (result.count / result.enqueueMs) * 1_000;
const endToEndRate = (result: ThroughputResult) => (result.count / (result.enqueueMs + result.runMs)) * 1_000;

function report(
  peers: readonly PeerHandle[],
  results: ReadonlyMap<PeerName, ThroughputResult[]>,
  passes: number,
): BenchReport {
  const ours = results.get('hive') ?? [];
  const ratios = (theirs: readonly ThroughputResult[], rate: (result: ThroughputResult) => number) =>
    ratioText(theirs.map((result, pass) => rate(ours[pass]!) / rate(result)));
  return {
    name: 'tasks',
    method: `durable no-op tasks per second, median of ${passes} passes in the order A B … B A; ratio is hive ÷ peer of the same pass`,
    rows: peers.map((peer) => {
      const theirs = results.get(peer.name) ?? [];
      return {
        queue: peer.name,
        'enqueue/s': median(theirs.map(enqueueRate)),
        'run/s': median(theirs.map(runRate)),
        'slowest run/s': Math.min(...theirs.map(runRate)),
        'end to end/s': median(theirs.map(endToEndRate)),
        'ratio run': peer.name === 'hive' ? '' : ratios(theirs, runRate),
        'ratio end to end': peer.name === 'hive' ? '' : ratios(theirs, endToEndRate),
      };
    }),
    notes: [
      ...peers.map(
        (peer) => `${peer.name}: ${peer.settings}; ${results.get(peer.name)?.[0]?.count ?? 0} tasks a pass`,
      ),
      'checked: every task done exactly once; hive also: at the first attempt, with the events created, started, succeeded for each',
    ],
  };
}

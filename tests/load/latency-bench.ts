import type { BenchEnvironment } from './environment.ts';
import { PeerHandle } from './peers/peer-handle.ts';
import type { PeerName } from './peers/peer-process.ts';
import { percentile, median, type BenchReport } from './report.ts';
import { alternate } from './rounds.ts';
import { peerNames, type BenchScale } from './tasks-bench.ts';

const everyMs = 5;

/** Time from the call that enqueues a task to the first line of its handler, on an idle queue. */
export async function benchLatency(
  environment: BenchEnvironment,
  { passes, scale, peers: only }: BenchScale,
): Promise<BenchReport> {
  const peers: PeerHandle[] = [];
  const samples = new Map<PeerName, number[][]>();
  const count = Math.ceil(400 * scale);
  try {
    for (const name of peerNames(environment, only)) {
      peers.push(
        await PeerHandle.open(name, await environment.peerEnvironment(`latency_${name.replace('-', '_')}`)),
      );
    }
    for (const peer of peers) await peer.latency(Math.ceil(count / 2), everyMs);
    await alternate(peers, passes, async (peer) => {
      samples.set(peer.name, [...(samples.get(peer.name) ?? []), await peer.latency(count, everyMs)]);
    });
  } finally {
    for (const peer of peers) await peer.close();
  }
  const ours = (samples.get('hive') ?? []).map(median);
  return {
    name: 'latency',
    method: `enqueue to start in ms, one task every ${everyMs} ms, ${passes} × ${count} tasks; ratio is peer's p50 ÷ hive's of the same pass`,
    rows: peers.map((peer) => {
      const theirs = samples.get(peer.name) ?? [];
      const all = theirs.flat();
      const ratios = theirs.map((values, pass) => median(values) / ours[pass]!);
      return {
        queue: peer.name,
        p50: percentile(all, 50),
        p95: percentile(all, 95),
        p99: percentile(all, 99),
        max: Math.max(...all),
        'ratio p50':
          peer.name === 'hive'
            ? ''
            : `${median(ratios).toFixed(2)} (worst ${Math.min(...ratios).toFixed(2)})`,
      };
    }),
    notes: peers.map((peer) => `${peer.name}: ${peer.settings}`),
  };
}

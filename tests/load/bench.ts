import { parseArgs } from 'node:util';
import { startEnvironment, type BenchEnvironment } from './environment.ts';
import { benchLatency } from './latency-bench.ts';
import { benchPlanCache } from './plan-cache-bench.ts';
import { printReport, type BenchReport } from './report.ts';
import { benchRequests } from './requests-bench.ts';
import { benchRls } from './rls-bench.ts';
import { benchSecurity } from './security-bench.ts';
import { benchSubscriptions } from './subscriptions-bench.ts';
import { benchTasks, type BenchScale } from './tasks-bench.ts';

const benches: {
  readonly [name: string]: (environment: BenchEnvironment, scale: BenchScale) => Promise<BenchReport>;
} = {
  tasks: benchTasks,
  latency: benchLatency,
  subscriptions: benchSubscriptions,
  requests: benchRequests,
  'plan-cache': benchPlanCache,
  rls: benchRls,
  security: benchSecurity,
};

const usage = `node tests/load/bench.ts [${Object.keys(benches).join(' | ')} …] [--passes 4] [--scale 1] [--peers a,b] [--json]`;

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      passes: { type: 'string', default: '4' },
      scale: { type: 'string', default: '1' },
      peers: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const names = positionals.length > 0 ? positionals : Object.keys(benches);
  const unknown = names.filter((name) => !(name in benches));
  const scale: BenchScale = {
    passes: Number(values.passes),
    scale: Number(values.scale),
    peers: values.peers?.split(','),
  };
  if (unknown.length > 0 || !(scale.passes >= 1) || !(scale.scale > 0))
    throw new Error(`Unknown: ${unknown.join(', ')}\n${usage}`);

  const environment = await startEnvironment({
    redis: names.some((name) => name === 'tasks' || name === 'latency'),
  });
  const interrupted = () => void environment.stop().finally(() => process.exit(130));
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    if (!values.json)
      for (const [fact, text] of Object.entries(environment.machine)) console.log(`${fact}: ${text}`);
    const reports: BenchReport[] = [];
    for (const name of names) {
      const report = await benches[name]!(environment, scale);
      reports.push(report);
      if (!values.json) printReport(report);
    }
    if (values.json) console.log(JSON.stringify({ machine: environment.machine, reports }, undefined, 2));
  } finally {
    await environment.stop();
  }
}

main().catch((error: unknown) => {
  console.error('VOID:', error instanceof Error ? error.message : error);
  process.exitCode = 1;
});

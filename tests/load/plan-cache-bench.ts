import { randomUUID } from 'node:crypto';
import { createPlanHandler, type PlanData } from '../../server/src/agents/plan-handler.ts';
import { createTaskContextDouble } from '../../server/src/agents/task-context-double.ts';
import { connectDatabase } from '../../server/src/database/connect.ts';
import { migrate } from '../../server/src/database/migrate.ts';
import { systemClock } from '../../server/src/lib/clock.ts';
import { defaultModelConfig } from '../../server/src/llm/model-config.ts';
import { createModelGateway } from '../../server/src/llm/model-gateway.ts';
import { sqlOfTenant } from '../../server/src/stores/tenancy.ts';
import { silentLog } from '../support/log.ts';
import type { BenchEnvironment } from './environment.ts';
import { percentile, type BenchReport } from './report.ts';
import type { BenchScale } from './tasks-bench.ts';

const goals = 50;

/** Time of the plan handler for a goal that was planned before: hash of the goal, one select, the graph validated again. */
export async function benchPlanCache(
  environment: BenchEnvironment,
  { scale }: BenchScale,
): Promise<BenchReport> {
  const url = await environment.createDatabase('plan_cache');
  await migrate({ url, log: silentLog });
  const database = await connectDatabase({ url, log: silentLog });
  try {
    const { rows } = await database.systemPool.query<{ id: string }>(
      `select id from workspace where slug = 'default'`,
    );
    const models = createModelGateway({
      config: { ...defaultModelConfig, providers: ['extractive'] },
      clock: systemClock,
      log: silentLog,
    });
    const handler = createPlanHandler({
      models,
      sqlOf: (workspaceId) => sqlOfTenant(database.tenantPool, { workspaceId }),
    });
    const plan = async (goal: number) => {
      const task = {
        ...{ id: randomUUID(), kind: 'PLAN', workspaceId: rows[0]!.id },
        input: { goalText: `Explain how part ${goal} of this project is laid out, with sources` },
      };
      const { context } = createTaskContextDouble(task);
      const beganAt = performance.now();
      const outcome = await handler(context);
      const ms = performance.now() - beganAt;
      return { ms, cached: (outcome!.data as unknown as PlanData).cached };
    };
    const first: number[] = [];
    for (let goal = 0; goal < goals; goal += 1) {
      const { ms, cached } = await plan(goal);
      if (cached) throw new Error(`goal ${goal} was cached before it was planned`);
      first.push(ms);
    }
    const again: number[] = [];
    for (let times = 0; times < Math.ceil(2_000 * scale); times += 1) {
      const { ms, cached } = await plan(times % goals);
      if (!cached) throw new Error(`goal ${times % goals} was planned twice`);
      again.push(ms);
    }
    const row = (name: string, values: readonly number[]) => ({
      plan: name,
      times: String(values.length),
      p50: percentile(values, 50),
      p95: percentile(values, 95),
      p99: percentile(values, 99),
      max: percentile(values, 100),
    });
    return {
      name: 'plan-cache',
      method:
        'ms of the plan handler, one goal at a time, on a real database; budget for a cached plan: p95 ≤ 10 ms',
      rows: [row('made by recipe', first), row('cached', again)],
      notes: ['checked: every first plan was made, every later one came from the cache'],
    };
  } finally {
    await database.close();
  }
}

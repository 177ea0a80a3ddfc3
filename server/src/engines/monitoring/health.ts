import { statfs } from 'node:fs/promises';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Clock } from '../../lib/clock.ts';
import { messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/log.ts';
import { startLoop } from '../../lib/loop.ts';
import { horizonAgeMs } from '../../stores/event-store.ts';
import type { Sql } from '../../stores/sql.ts';

export type HealthStatus = 'UP' | 'DEGRADED' | 'DOWN';

export interface HealthCheck {
  name: string;
  status: HealthStatus;
  /** For people: what was found, with its unit. */
  detail: string;
  latencyMs?: number;
}

export interface HealthReport {
  /** The worst of the checks. */
  status: HealthStatus;
  version: string;
  startedAt: Date;
  checks: readonly HealthCheck[];
  eventHorizonAgeMs: number;
  queuedTaskCount: number;
  runningTaskCount: number;
  at: Date;
}

/** The last report; never waits. */
export interface HealthSource {
  report(): HealthReport;
}

export interface HealthMonitor extends HealthSource {
  /** Checks now. */
  refresh(): Promise<HealthReport>;
  stop(): Promise<void>;
}

export interface HealthOptions {
  sql: Sql;
  /** Of its file system the free space is watched. */
  dataDir: string;
  version: string;
  clock: Clock;
  log: Logger;
  providers: () => readonly { name: string; kind: string; status: HealthStatus; address?: string | null }[];
  /** Hands each report to the topic `system.health`. */
  publish(report: HealthReport): void;
  /** Between checks. Default 5,000 ms. */
  intervalMs?: number;
}

const databaseTimeoutMs = 2_000;
const slowDatabaseMs = 250;
const slowLoopMs = 200;
const oldHorizonMs = 5_000;
const lowDiskBytes = 1_000_000_000;
const noDiskBytes = 100_000_000;

/** Checks every component every few seconds, so that whoever asks is answered from memory even under load. */
export async function startHealthMonitor(options: HealthOptions): Promise<HealthMonitor> {
  const { clock, log } = options;
  const startedAt = new Date(clock.now());
  const delay = monitorEventLoopDelay({ resolution: 10 });
  delay.enable();
  let report: HealthReport = {
    ...{
      status: 'DOWN',
      version: options.version,
      startedAt,
      eventHorizonAgeMs: 0,
      queuedTaskCount: 0,
      runningTaskCount: 0,
    },
    ...{ checks: [], at: startedAt },
  };

  const refresh = async (): Promise<HealthReport> => {
    const [database, disk] = await Promise.all([checkDatabase(options.sql), checkDisk(options.dataDir)]);
    const checks = [
      database.check,
      ...database.derived,
      disk,
      checkEventLoop(delay),
      checkProviders(options.providers()),
    ];
    const { horizonMs, queued, running } = database;
    report = {
      ...report,
      status: worst(checks),
      checks,
      eventHorizonAgeMs: horizonMs,
      queuedTaskCount: queued,
      runningTaskCount: running,
      at: new Date(clock.now()),
    };
    return report;
  };

  await refresh();
  const loop = startLoop({
    name: 'health',
    intervalMs: options.intervalMs ?? 5_000,
    clock,
    log,
    turn: async () => {
      options.publish(await refresh());
    },
  });
  return {
    report: () => report,
    refresh,
    async stop() {
      await loop.stop();
      delay.disable();
    },
  };
}

interface DatabaseState {
  check: HealthCheck;
  derived: HealthCheck[];
  horizonMs: number;
  queued: number;
  running: number;
}

async function checkDatabase(sql: Sql): Promise<DatabaseState> {
  const began = performance.now();
  try {
    const [horizonMs, counts] = await withTimeout(
      Promise.all([
        horizonAgeMs(sql),
        sql.rows<{ status: string; count: number }>(
          // one index each; `in` would read the whole table
          `/* countActiveTasks */
          select 'QUEUED' as status, count(*)::int as count from task where status = 'QUEUED'
          union all select 'RUNNING', count(*)::int from task where status = 'RUNNING'`,
        ),
      ]),
    );
    const latencyMs = round(performance.now() - began);
    const count = (status: string) => counts.find((row) => row.status === status)?.count ?? 0;
    const [queued, running] = [count('QUEUED'), count('RUNNING')];
    const check: HealthCheck = {
      name: 'database',
      status: latencyMs > slowDatabaseMs ? 'DEGRADED' : 'UP',
      detail: `answers in ${latencyMs} ms`,
      latencyMs,
    };
    const horizon: HealthCheck = {
      name: 'event horizon',
      status: horizonMs > oldHorizonMs ? 'DEGRADED' : 'UP',
      detail:
        horizonMs > oldHorizonMs
          ? `a write transaction open for ${round(horizonMs)} ms holds events back`
          : 'no write transaction holds events back',
    };
    const queue: HealthCheck = {
      name: 'queue',
      status: 'UP',
      detail: `${queued} queued, ${running} running`,
    };
    return { check, derived: [horizon, queue], horizonMs, queued, running };
  } catch (error) {
    const check: HealthCheck = {
      name: 'database',
      status: 'DOWN',
      detail: messageOf(error),
      latencyMs: round(performance.now() - began),
    };
    return { check, derived: [], horizonMs: 0, queued: 0, running: 0 };
  }
}

/** A connection that hangs must not hang the health loop with it. */
async function withTimeout<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`no answer within ${databaseTimeoutMs} ms`)),
      databaseTimeoutMs,
    );
  });
  try {
    return await Promise.race([work, timeout]);
  } finally {
    clearTimeout(timer);
  }
}

async function checkDisk(dataDir: string): Promise<HealthCheck> {
  try {
    const { bavail, bsize } = await statfs(dataDir);
    const free = bavail * bsize;
    const status = free < noDiskBytes ? 'DOWN' : free < lowDiskBytes ? 'DEGRADED' : 'UP';
    return { name: 'disk', status, detail: `${(free / 1e9).toFixed(1)} GB free at ${dataDir}` };
  } catch (error) {
    return { name: 'disk', status: 'DEGRADED', detail: messageOf(error) };
  }
}

/** Since the last check. A high value means that something computes on the main thread. */
function checkEventLoop(delay: { percentile(percentile: number): number; reset(): void }): HealthCheck {
  const p99 = round(delay.percentile(99) / 1e6);
  delay.reset();
  return {
    name: 'event loop',
    status: p99 > slowLoopMs ? 'DEGRADED' : 'UP',
    detail: `p99 delay ${p99} ms`,
    latencyMs: p99,
  };
}

/** Without a language model the hive still answers, extractively: that is never worse than DEGRADED. */
function checkProviders(providers: ReturnType<HealthOptions['providers']>): HealthCheck {
  const models = providers.filter((provider) => provider.kind !== 'EXTRACTIVE');
  const up = models.filter((provider) => provider.status !== 'DOWN');
  const tried = models
    .map((provider) => (provider.address ? `${provider.name} (${provider.address})` : provider.name))
    .join(', ');
  return up.length > 0
    ? { name: 'language models', status: 'UP', detail: up.map((provider) => provider.name).join(', ') }
    : {
        name: 'language models',
        status: 'DEGRADED',
        detail: tried ? `none reachable; tried ${tried}` : 'none set up',
      };
}

function worst(checks: readonly HealthCheck[]): HealthStatus {
  if (checks.some((check) => check.status === 'DOWN')) return 'DOWN';
  return checks.some((check) => check.status === 'DEGRADED') ? 'DEGRADED' : 'UP';
}

function round(ms: number): number {
  return Math.round(ms * 10) / 10;
}

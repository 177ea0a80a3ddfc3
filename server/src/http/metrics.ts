import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { HealthSource } from '../engines/monitoring/health.ts';

export interface HttpMetrics {
  registry: Registry;
  observeRequest(route: string, status: number, seconds: number): void;
  countSlowConsumer(): void;
}

/** Numbers of this process for Prometheus, in a registry of its own: two servers in one process do not mix. */
export function createMetrics(sources: {
  health: HealthSource;
  sockets: () => number;
  sharedSubscriptions: () => number;
}): HttpMetrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const duration = new Histogram({
    name: 'hive_http_request_duration_seconds',
    help: 'Time to answer an HTTP request.',
    labelNames: ['route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
    registers,
  });
  const slow = new Counter({
    name: 'hive_websocket_slow_consumers_total',
    help: 'WebSockets closed because they read too slowly.',
    registers,
  });
  gauge('hive_websockets', 'Open WebSockets.', sources.sockets);
  gauge('hive_shared_subscriptions', 'Executions behind shared subscriptions.', sources.sharedSubscriptions);
  gauge(
    'hive_tasks_queued',
    'Tasks waiting for an agent, as of the last health check.',
    () => sources.health.report().queuedTaskCount,
  );
  gauge(
    'hive_tasks_running',
    'Tasks running, as of the last health check.',
    () => sources.health.report().runningTaskCount,
  );
  gauge(
    'hive_event_horizon_age_seconds',
    'Age of the oldest write transaction that holds events back.',
    () => sources.health.report().eventHorizonAgeMs / 1_000,
  );
  gauge(
    'hive_up',
    '1 when healthy, 0.5 when degraded, 0 when down.',
    () => ({ UP: 1, DEGRADED: 0.5, DOWN: 0 })[sources.health.report().status],
  );

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }
  return {
    registry,
    observeRequest: (route, status, seconds) => duration.observe({ route, status: String(status) }, seconds),
    countSlowConsumer: () => slow.inc(),
  };
}

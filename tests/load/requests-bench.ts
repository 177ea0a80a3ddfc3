import autocannon from 'autocannon';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { requestData } from '../support/graphql-client.ts';
import { startServer } from '../support/server-process.ts';
import type { BenchEnvironment } from './environment.ts';
import { median, ratioText, type BenchReport } from './report.ts';
import { alternate } from './rounds.ts';
import type { BenchScale } from './tasks-bench.ts';

const queries = {
  health: '{ health { status } }',
  agents: '{ agents(first: 20) { edges { node { id name status activeTaskCount crew { id name } } } } }',
} as const;
type QueryName = keyof typeof queries;

/** Read by id and written, as a client does with one thing. A task not due for years leaves the engine out of it. */
const singles = {
  agent: (agentId: string) =>
    `{ agent(id: "Agent:${agentId}") { id name status activeTaskCount crew { id name } } }`,
  createTask: () =>
    `mutation { createTask(input: { title: "Bench", instruction: "Wait.", runAt: "2100-01-01T00:00:00Z" }) { ... on Task { id status } } }`,
} as const;

interface Contender {
  name: 'hive' | 'plain yoga';
  url: string;
}

interface Sample {
  perSecond: number;
  p50: number;
  /** Autocannon reports no 95th; this is stricter. */
  p97_5: number;
  p99: number;
}

const connections = 50;

/** Requests per second of one GraphQL POST repeated by 50 connections, ours from PostgreSQL and plain Yoga from constants. */
export async function benchRequests(
  environment: BenchEnvironment,
  { passes, scale }: BenchScale,
): Promise<BenchReport> {
  const databaseUrl = await environment.createDatabase('requests');
  const server = await startServer({ databaseUrl });
  const yoga = fork(fileURLToPath(new URL('./peers/plain-yoga.ts', import.meta.url)));
  try {
    const [port] = (await once(yoga, 'message')) as [number];
    const agentId = await fillAgents(databaseUrl);
    const contenders: Contender[] = [
      { name: 'hive', url: server.url },
      { name: 'plain yoga', url: `http://127.0.0.1:${port}` },
    ];
    const statements = new Map<QueryName, number>();
    const samples = new Map<string, Sample[]>();
    for (const name of Object.keys(queries) as QueryName[]) {
      for (const { url } of contenders) await check(url, name);
      statements.set(name, await environment.statementsPer(20, () => requestData(server.url, queries[name])));
      for (const { url } of contenders) await load(url, name, 1);
      await alternate(contenders, passes, async (contender) => {
        const key = `${contender.name} ${name}`;
        samples.set(key, [
          ...(samples.get(key) ?? []),
          await load(contender.url, name, Math.max(1, Math.round(3 * scale))),
        ]);
      });
    }
    const seconds = Math.max(1, Math.round(3 * scale));
    const budgeted = new Map<string, { samples: Sample[]; budget: string }>();
    for (const [name, text] of Object.entries(singles)) {
      const query = text(agentId);
      const data = await requestData<{ [field: string]: { id?: string } | null }>(server.url, query);
      if (!data[name]?.id) throw new Error(`${name} answers ${JSON.stringify(data)}`);
      const taken: Sample[] = [];
      for (let pass = 0; pass < passes; pass += 1) taken.push(await loadQuery(server.url, query, seconds));
      budgeted.set(name, { samples: taken, budget: 'p95 ≤ 100 ms' });
    }
    const health: Sample[] = [];
    for (let pass = 0; pass < passes; pass += 1) {
      const [sample] = await Promise.all([
        loadHealth(server.url, seconds),
        load(server.url, 'agents', seconds),
      ]);
      health.push(sample);
    }
    budgeted.set('GET /health beside agents', { samples: health, budget: 'p99 ≤ 25 ms' });
    return report(contenders, statements, samples, budgeted, passes);
  } finally {
    yoga.disconnect();
    await server.stop();
  }
}

/** @returns the id of one of them */
async function fillAgents(databaseUrl: string): Promise<string> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const { rows } = await client.query<{ id: string }>(
    `insert into agent (workspace_id, crew_id, name, role, kind, status, capabilities, last_heartbeat_at)
    select w.id, (select id from crew limit 1), 'worker ' || n, 'worker', 'EXTRACTIVE', 'IDLE', '{bench}', now()
    from workspace w, generate_series(1, 30) n where w.slug = 'default' returning agent.id`,
  );
  await client.end();
  return rows[0]!.id;
}

/** @throws Error when the answer is not what is to be measured */
async function check(url: string, name: QueryName): Promise<void> {
  const data = await requestData<{
    health?: { status: string };
    agents?: { edges: { node: { crew: { id: string } | null } }[] };
  }>(url, queries[name]);
  const right =
    name === 'health'
      ? data.health?.status !== undefined
      : data.agents?.edges.length === 20 && data.agents.edges.every(({ node }) => node.crew);
  if (!right) throw new Error(`${url} answers ${JSON.stringify(data)}`);
}

const load = (url: string, name: QueryName, duration: number) => loadQuery(url, queries[name], duration);

function loadQuery(url: string, query: string, duration: number): Promise<Sample> {
  return sample({
    ...{ url: `${url}/graphql`, method: 'POST', connections, duration },
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query }),
  });
}

/** As a prober asks: not often, whatever else goes on. */
const loadHealth = (url: string, duration: number) =>
  sample({ url: `${url}/health`, method: 'GET', connections: 1, overallRate: 50, duration });

async function sample(options: Parameters<typeof autocannon>[0]): Promise<Sample> {
  const result = await autocannon(options);
  if (result.errors + result.timeouts + result.non2xx > 0) {
    throw new Error(
      `${options.body ?? ''} at ${options.url}: ${result.non2xx} refused, ${result.errors} errors, ${result.timeouts} timeouts`,
    );
  }
  return {
    perSecond: result.requests.total / result.duration,
    p50: result.latency.p50,
    p97_5: result.latency.p97_5,
    p99: result.latency.p99,
  };
}

function report(
  contenders: readonly Contender[],
  statements: ReadonlyMap<QueryName, number>,
  samples: ReadonlyMap<string, Sample[]>,
  budgeted: ReadonlyMap<string, { samples: readonly Sample[]; budget: string }>,
  passes: number,
): BenchReport {
  const timesOf = (theirs: readonly Sample[]) => ({
    'requests/s': median(theirs.map(({ perSecond }) => perSecond)),
    'p50 ms': median(theirs.map(({ p50 }) => p50)),
    'p97.5 ms': median(theirs.map(({ p97_5 }) => p97_5)),
    'p99 ms': median(theirs.map(({ p99 }) => p99)),
  });
  const rows: BenchReport['rows'] = (Object.keys(queries) as QueryName[]).flatMap((name) =>
    contenders.map((contender) => {
      const theirs = samples.get(`${contender.name} ${name}`) ?? [];
      const peers = samples.get(`plain yoga ${name}`) ?? [];
      return {
        query: name,
        server: contender.name,
        ...timesOf(theirs),
        'SQL per request': contender.name === 'hive' ? (statements.get(name) ?? 0) : '',
        'ratio to yoga':
          contender.name === 'hive'
            ? ratioText(theirs.map((sample, pass) => sample.perSecond / peers[pass]!.perSecond))
            : '',
      };
    }),
  );
  for (const [query, { samples: ours, budget }] of budgeted)
    rows.push({ query, server: 'hive', ...timesOf(ours), budget });
  return {
    name: 'requests',
    method: `GraphQL over HTTP POST, ${connections} connections, median of ${passes} passes A B B A; load generator on the same cores`,
    rows,
    notes: [
      `agents: ${queries.agents}`,
      `agent: the same fields of one; createTask: a durable write; /health: 50 requests a second while the agents load runs`,
      'plain yoga answers the same shape from constants: no database, limits, cost, dataloaders or request log',
      'SQL per request: statements PostgreSQL logged for 20 single requests, ÷ 20 (the server’s own loops add a little)',
    ],
  };
}

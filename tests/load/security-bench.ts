import { Agent, request as httpRequest } from 'node:http';
import pg from 'pg';
import { Browser } from '../integration/identity/browser.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import type { BenchEnvironment } from './environment.ts';
import { median, type BenchReport } from './report.ts';
import { alternate } from './rounds.ts';
import type { BenchScale } from './tasks-bench.ts';

const clients = 50;

const operations = {
  agents: () =>
    '{ agents(first: 20) { edges { node { id name status activeTaskCount crew { id name } } } } }',
  agent: (agentId: string) =>
    `{ agent(id: "Agent:${agentId}") { id name status activeTaskCount crew { id name } } }`,
  createTask: () =>
    `mutation { createTask(input: { title: "Bench", instruction: "Wait.", runAt: "2100-01-01T00:00:00Z" }) { ... on Task { id status } } }`,
} as const;
type OperationName = keyof typeof operations;

/** What a right answer holds: anything else makes the run void. */
const right: Readonly<Record<OperationName, (body: string) => boolean>> = {
  agents: (body) => (body.match(/"id":"Agent:/g) ?? []).length === 20,
  agent: (body) => body.startsWith('{"data":{"agent":{"id":"Agent:'),
  createTask: (body) => body.startsWith('{"data":{"createTask":{"id":"Task:'),
};

interface Contender {
  name: 'secured' | 'open';
  server: ServerProcess;
  databaseUrl: string;
  agentId: string;
  headers: Record<string, string>;
}

interface Sample {
  perSecond: number;
  p50: number;
  p95: number;
}

/**
 * The price of security: the same requests against a hive with an owner, where each brings a session cookie, is counted
 * against a limit, decided about and held to its workspace by the database; and against one where nothing of that is so.
 */
export async function benchSecurity(
  environment: BenchEnvironment,
  { passes, scale }: BenchScale,
): Promise<BenchReport> {
  const started: Contender[] = [];
  try {
    started.push(await startSecured(environment));
    started.push(await startOpen(environment));
    const seconds = Math.max(1, 4 * scale);
    const samples = new Map<string, Sample[]>();
    for (const name of Object.keys(operations) as OperationName[]) {
      for (const contender of started) await load(contender, name, 2);
      await environment.checkpoint();
      await alternate(started, passes, async (contender) => {
        const key = `${contender.name} ${name}`;
        samples.set(key, [...(samples.get(key) ?? []), await load(contender, name, seconds)]);
      });
    }
    return report(samples, passes);
  } finally {
    for (const { server } of started) await server.stop();
  }
}

async function startSecured(environment: BenchEnvironment): Promise<Contender> {
  const databaseUrl = await environment.createDatabase('secured');
  // On and counting, and never reached.
  const server = await startServer({
    databaseUrl,
    env: { HIVE_RATE_BURST: '1000000', HIVE_RATE_REFILL_SECONDS: '1' },
  });
  try {
    const browser = new Browser(server.url, {});
    const link = await browser.post('/hive/setup/link');
    const token = String(link.body.url).split('token=')[1];
    const input = { token, name: 'Bench', email: 'bench@hive.example', password: 'a password to measure' };
    const made = await browser.post('/hive/setup', input);
    if (made.status !== 200) throw new Error(`no owner: ${JSON.stringify(made.body)}`);
    const headers = { cookie: browser.cookie, origin: server.url };
    const contender: Contender = {
      name: 'secured',
      server,
      databaseUrl,
      headers,
      agentId: await fill(databaseUrl),
    };
    // Whoever is at the machine is let in for a second more: that there is no owner is remembered that long.
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await assertSecured(contender);
    return contender;
  } catch (error) {
    await server.stop();
    throw error;
  }
}

async function startOpen(environment: BenchEnvironment): Promise<Contender> {
  const databaseUrl = await environment.createDatabase('open');
  const server = await startServer({ databaseUrl, env: { HIVE_RATE_BURST: '0', HIVE_ANONYMOUS_BURST: '0' } });
  try {
    const agentId = await fill(databaseUrl);
    await withClient(databaseUrl, async (client) => {
      const { rows } = await client.query<{ name: string }>(
        `select oid::regclass::text as name from pg_class where relnamespace = 'public'::regnamespace and relrowsecurity`,
      );
      for (const { name } of rows)
        await client.query(
          `alter table ${name} no force row level security; alter table ${name} disable row level security`,
        );
    });
    return { name: 'open', server, databaseUrl, headers: {}, agentId };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

/** What is measured must be on: nobody gets in without the cookie, and each request is counted. */
async function assertSecured({ server, headers, databaseUrl }: Contender): Promise<void> {
  const ask = (own: Record<string, string>) =>
    fetch(`${server.url}/graphql?query=%7B__typename%7D`, { headers: own });
  const [stranger, owner] = [await ask({}), await ask(headers)];
  const isProtected = await withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ on: boolean }>(
      `select bool_and(relrowsecurity and relforcerowsecurity) as on from pg_class where relname in ('agent', 'task', 'crew')`,
    );
    return rows[0]!.on;
  });
  if (stranger.status !== 401 || owner.status !== 200 || !owner.headers.has('ratelimit') || !isProtected)
    throw new Error(
      `not secured: ${stranger.status}, ${owner.status}, ${owner.headers.get('ratelimit')}, ${isProtected}`,
    );
}

async function withClient<T>(databaseUrl: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/** @returns the id of one of thirty agents more */
function fill(databaseUrl: string): Promise<string> {
  return withClient(databaseUrl, async (client) => {
    const { rows } = await client.query<{ id: string }>(
      `insert into agent (workspace_id, crew_id, name, role, kind, status, capabilities, last_heartbeat_at)
      select w.id, (select id from crew limit 1), 'worker ' || n, 'worker', 'EXTRACTIVE', 'IDLE', '{bench}', now()
      from workspace w, generate_series(1, 30) n where w.slug = 'default' returning agent.id`,
    );
    await client.query('analyze');
    return rows[0]!.id;
  });
}

/** Fifty clients, each with a connection of its own, that ask again as soon as they have their answer. */
async function load(contender: Contender, name: OperationName, seconds: number): Promise<Sample> {
  const body = Buffer.from(JSON.stringify({ query: operations[name](contender.agentId) }));
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const taken: number[] = [];
  const began = performance.now();
  const until = began + seconds * 1_000;
  const one = async () => {
    while (performance.now() < until) {
      const asked = performance.now();
      const answer = await send(contender, agent, body);
      taken.push(performance.now() - asked);
      if (answer.status !== 200 || !right[name](answer.text))
        throw new Error(
          `${contender.name} answers ${name} with ${answer.status} ${answer.text.slice(0, 300)}`,
        );
    }
  };
  try {
    await Promise.all(Array.from({ length: clients }, one));
  } finally {
    agent.destroy();
  }
  const elapsed = (performance.now() - began) / 1_000;
  taken.sort((left, right) => left - right);
  const at = (share: number) => taken[Math.min(taken.length - 1, Math.ceil(share * taken.length) - 1)]!;
  return { perSecond: taken.length / elapsed, p50: at(0.5), p95: at(0.95) };
}

function send(
  { server, headers }: Contender,
  agent: Agent,
  body: Buffer,
): Promise<{ status: number; text: string }> {
  const { hostname, port } = new URL(server.url);
  return new Promise((resolve, reject) => {
    const sent = httpRequest(
      {
        ...{ agent, hostname, port, path: '/graphql', method: 'POST' },
        headers: {
          'content-type': 'application/json',
          accept: 'application/json',
          'content-length': body.length,
          ...headers,
        },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.once('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.once('error', reject);
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

/** Median and worst of ratios in which less is better. */
function costText(ratios: readonly number[]): string {
  return `${median(ratios).toFixed(2)} (worst ${Math.max(...ratios).toFixed(2)})`;
}

function report(samples: ReadonlyMap<string, Sample[]>, passes: number): BenchReport {
  const rows = (Object.keys(operations) as OperationName[]).flatMap((name) =>
    (['secured', 'open'] as const).map((server) => {
      const theirs = samples.get(`${server} ${name}`)!;
      const open = samples.get(`open ${name}`)!;
      const ratios = (of: 'p50' | 'p95') => theirs.map((sample, pass) => sample[of] / open[pass]![of]);
      return {
        operation: name,
        server,
        'requests/s': median(theirs.map(({ perSecond }) => perSecond)),
        'p50 ms': median(theirs.map(({ p50 }) => p50)),
        'p95 ms': median(theirs.map(({ p95 }) => p95)),
        'worst p95 ms': Math.max(...theirs.map(({ p95 }) => p95)),
        'p50 to open': server === 'secured' ? costText(ratios('p50')) : '',
        'p95 to open': server === 'secured' ? costText(ratios('p95')) : '',
        budget: server === 'secured' && name !== 'createTask' ? 'p95 ≤ 1.25 × open' : '',
      };
    }),
  );
  return {
    name: 'security',
    method: `GraphQL over HTTP POST, ${clients} clients, median of ${passes} passes A B B A; the clients run on the same cores`,
    rows,
    notes: [
      'secured: an owner exists; session cookie, roles, forced row-level security, rate limit, audit trail',
      'open: no owner, requests from the machine itself; row-level security disabled on every table, no limit',
      'the audit trail is written for createTask by both: it is part of the change',
    ],
  };
}

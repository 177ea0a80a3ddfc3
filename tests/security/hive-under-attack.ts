import { print, type DocumentNode } from 'graphql';
import pg from 'pg';
import { expect, vi } from 'vitest';
import { createTestDatabaseUrl, dropTestDatabase } from '../support/database.ts';
import type { GraphQLAnswer } from '../support/graphql-client.ts';
import { startServer, type ServerProcess } from '../support/server-process.ts';
import { Browser, type Answer } from '../integration/identity/browser.ts';

export const password = 'correct horse battery';

/** Somebody with an account, signed in. */
export interface Somebody {
  id: string;
  email: string;
  browser: Browser;
  /** Headers of a page of the hive that they have open. */
  headers(workspaceId?: string): Record<string, string>;
}

export interface Seen {
  what: string;
  status: number;
  text: string;
}

/** The real server in a process of its own, with people in two workspaces, and everything it ever answered. */
export interface HiveUnderAttack {
  server: ServerProcess;
  url: string;
  port: number;
  databaseUrl: string;
  /** Of the owner of the database: for what a test arranges and looks up. */
  pool: pg.Pool;
  /** Ids of the first workspace and of another one. */
  home: string;
  abroad: string;
  /** Owns the hive and made both workspaces. */
  ada: Somebody;
  /** Owns the first workspace, too, and has nothing to do with the other one: as mighty as a stranger can be. */
  eve: Somebody;
  /** A viewer of the first one. */
  vic: Somebody;
  /** An admin of the other one alone. */
  bea: Somebody;
  seen: Seen[];
  /** Any request, remembered with its answer. */
  call(path: string, init?: RequestInit): Promise<Answer & { text: string }>;
  ask<Data = Record<string, unknown>>(
    headers: Record<string, string>,
    document: string | DocumentNode,
    variables?: object,
  ): Promise<GraphQLAnswer<Data>>;
  /** One that must go well. */
  do<Data = Record<string, unknown>>(
    headers: Record<string, string>,
    document: string | DocumentNode,
    variables?: object,
  ): Promise<Data>;
  /** An API key of the person, in the first workspace unless they have none there. */
  key(
    who: Somebody,
    input?: object,
    workspaceId?: string,
  ): Promise<{ id: string; secret: string; headers: { authorization: string } }>;
  invite(role: string, workspaceId?: string): Promise<string>;
  join(name: string, role: string, workspaceId?: string): Promise<Somebody>;
  /** A browser at an address of its own, so that the attempts of one test are not those of another. */
  browser(): Browser;
  /** As if they had all used their passkey just now. */
  stepUp(): Promise<void>;
  /** Asserts that no answer and no line of the log told what it must not, and ends everything. */
  stop(): Promise<void>;
}

let addresses = 0;

export async function startHiveUnderAttack(env: Record<string, string> = {}): Promise<HiveUnderAttack> {
  const databaseUrl = await createTestDatabaseUrl();
  const pool = new pg.Pool({ connectionString: databaseUrl, min: 0, max: 8 });
  pool.on('error', () => {});
  const server = await startServer({
    databaseUrl,
    env: {
      // Tests of the limits set them anew; the others must not meet them.
      ...{ HIVE_RATE_BURST: '0', HIVE_ANONYMOUS_BURST: '0', HIVE_TRUSTED_PROXIES: '127.0.0.1' },
      ...env,
    },
  }).catch(async (error: unknown) => {
    await pool.end();
    await dropTestDatabase(databaseUrl);
    throw error;
  });
  const url = server.url;
  const seen: Seen[] = [];
  const secrets = new Set<string>([password]);

  class WatchedBrowser extends Browser {
    override async send(
      method: string,
      path: string,
      options: Parameters<Browser['send']>[2],
    ): Promise<Answer> {
      const answer = await super.send(method, path, options);
      seen.push({
        what: `${method} ${path}`,
        status: answer.status,
        text: JSON.stringify(answer.body) ?? '',
      });
      return answer;
    }
  }
  const browser = () => {
    addresses += 1;
    return new WatchedBrowser(url, { 'x-forwarded-for': `198.51.${addresses >> 8}.${addresses & 255}` });
  };
  const somebody = (answer: Answer, own: Browser): Somebody => {
    if (answer.status !== 200) throw new Error(`no account: ${answer.status} ${JSON.stringify(answer.body)}`);
    secrets.add(decodeURIComponent(own.cookie.split('=')[1]!).split('.')[0]!);
    return {
      ...{ id: answer.body.user.id, email: answer.body.user.email, browser: own },
      headers: (workspaceId) => ({
        ...{ cookie: own.cookie, origin: url, 'x-forwarded-for': '198.51.100.200' },
        ...(workspaceId === undefined ? {} : { 'x-hive-workspace': `Workspace:${workspaceId}` }),
      }),
    };
  };

  const hive: HiveUnderAttack = {
    ...{ server, url, databaseUrl, pool, seen, browser },
    port: Number(new URL(url).port),
    // Filled below, by people who do as people do.
    ...{ home: '', abroad: '', ada: undefined!, eve: undefined!, vic: undefined!, bea: undefined! },
    async call(path, init = {}) {
      const response = await fetch(`${url}${path}`, { redirect: 'manual', ...init });
      const text = await response.text();
      seen.push({ what: `${init.method ?? 'GET'} ${path}`, status: response.status, text });
      return { status: response.status, headers: response.headers, text, body: parsed(text) };
    },
    async ask(headers, document, variables) {
      const query = typeof document === 'string' ? document : print(document);
      const { body } = await hive.call('/graphql', {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
        body: JSON.stringify({ query, variables }),
      });
      return body;
    },
    async do(headers, document, variables) {
      const answer = await hive.ask<never>(headers, document, variables);
      if (answer.errors || !answer.data) throw new Error(`GraphQL failed: ${JSON.stringify(answer)}`);
      return answer.data;
    },
    async key(who, input = {}, workspaceId) {
      const made = await hive.do<{ createApiKey: { secret: string; apiKey: { id: string } } }>(
        who.headers(workspaceId),
        `mutation ($input: CreateApiKeyInput!) { createApiKey(input: $input) { ... on ApiKeySecret { secret apiKey { id } } ... on Error { message } } }`,
        { input: { name: 'a program', role: 'OPERATOR', ...input } },
      );
      const { secret, apiKey } = made.createApiKey;
      if (!secret) throw new Error(`no key: ${JSON.stringify(made)}`);
      secrets.add(secret);
      return { id: apiKey.id, secret, headers: { authorization: `Bearer ${secret}` } };
    },
    async invite(role, workspaceId = hive.home) {
      const made = await hive.do<{ inviteMember: { url: string } }>(
        hive.ada.headers(workspaceId),
        `mutation ($input: InviteMemberInput!) { inviteMember(input: $input) { ... on InvitationLink { url } ... on Error { message } } }`,
        { input: { role } },
      );
      const token = made.inviteMember.url?.split('token=')[1];
      if (!token) throw new Error(`no invitation: ${JSON.stringify(made)}`);
      secrets.add(token);
      return token;
    },
    async join(name, role, workspaceId = hive.home) {
      const token = await hive.invite(role, workspaceId);
      const own = browser();
      const email = `${name.toLowerCase()}@hive.example`;
      return somebody(await own.post('/hive/invitation/accept', { token, name, email, password }), own);
    },
    async stepUp() {
      await pool.query('update identity.session set stepped_up_at = now()');
      // What was recognised is remembered for a second.
      await new Promise((resolve) => setTimeout(resolve, 1_050));
    },
    async stop() {
      const output = server.output();
      await server.stop();
      await pool.end();
      await dropTestDatabase(databaseUrl);
      expect(indiscretions(seen)).toEqual([]);
      expect([...secrets].filter((secret) => output.includes(secret))).toEqual([]);
      // The parts of a request that cannot be helped are answered, not logged as errors of ours.
      expect(output.split('\n').filter((line) => /\bERROR\b|"level":50/.test(line))).toEqual([]);
    },
  };
  try {
    await populate(hive, somebody);
  } catch (error) {
    await server.stop();
    await pool.end();
    await dropTestDatabase(databaseUrl);
    throw error;
  }
  return hive;
}

async function populate(
  hive: HiveUnderAttack,
  somebody: (answer: Answer, browser: Browser) => Somebody,
): Promise<void> {
  const adas = hive.browser();
  const input = {
    token: await printedSetupToken(hive.server),
    name: 'Ada',
    email: 'ada@hive.example',
    password,
  };
  hive.ada = somebody(await adas.post('/hive/setup', input), adas);
  await hive.stepUp();
  const workspaceOf = (text: string) => text.slice('Workspace:'.length);
  const { viewer } = await hive.do<{ viewer: { workspaceId: string } }>(
    hive.ada.headers(),
    '{ viewer { workspaceId } }',
  );
  hive.home = workspaceOf(viewer.workspaceId);
  const made = await hive.do<{ createWorkspace: { workspaceId: string } }>(
    hive.ada.headers(hive.home),
    `mutation { createWorkspace(input: { name: "Abroad", slug: "abroad" }) { ... on WorkspaceMembership { workspaceId } } }`,
  );
  hive.abroad = workspaceOf(made.createWorkspace.workspaceId);
  hive.eve = await hive.join('Eve', 'OWNER');
  hive.vic = await hive.join('Vic', 'VIEWER');
  hive.bea = await hive.join('Bea', 'ADMIN', hive.abroad);
}

/** Of the link that the start prints, a moment after it answers. */
export async function printedSetupToken(server: ServerProcess): Promise<string> {
  return vi.waitFor(
    () => {
      const token = /\/setup#token=([\w-]+)/.exec(server.output())?.[1];
      if (!token) throw new Error(`no setup link in:\n${server.output()}`);
      return token;
    },
    { timeout: 10_000 },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Parts of answers that tell how the server is made or where it lies. */
const tellTale =
  /node_modules|server\/src|\.[cm]?[jt]s:\d+|file:\/\/\/|\n\s+at |at async |ECONN|pg_catalog|violates|syntax error at or near|relation "/;

function indiscretions(seen: readonly Seen[]): string[] {
  return seen.flatMap(({ what, status, text }) => {
    const found = tellTale.exec(text);
    return found
      ? [
          `${what}: ${status} tells ${JSON.stringify(text.slice(Math.max(0, found.index - 60), found.index + 120))}`,
        ]
      : [];
  });
}

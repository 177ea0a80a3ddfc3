import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  getNamedType,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
  type GraphQLInputObjectType,
  type GraphQLInputType,
} from 'graphql';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { schema } from '../../../server/src/graphql/schema.ts';
import { errorCodes } from '../../../server/src/lib/errors.ts';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { request, requestData, type GraphQLAnswer } from '../../support/graphql-client.ts';

let database: TestDatabase;
let api: TestApi;
let folder: string;

beforeAll(async () => {
  database = await createTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'hive-hostile-'));
  mkdirSync(join(folder, 'assets'));
  writeFileSync(join(folder, 'index.html'), '<!doctype html><title>app</title>');
  api = await startTestApi(database, { http: { appFolder: folder } });
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

const uuid = '0198c0de-0000-7000-8000-000000000000';

/** The smallest input that a mutation's type takes. */
function plainInput(type: GraphQLInputObjectType): Record<string, unknown> {
  const required = Object.values(type.getFields()).filter((field) => isNonNullType(field.type));
  return Object.fromEntries(required.map(({ name, type: of }) => [name, plainValue(name, of)]));
}

function plainValue(field: string, type: GraphQLInputType): unknown {
  if (isListType(getNullableType(type))) return [];
  const named = getNamedType(type);
  if (isEnumType(named)) return named.getValues()[0]!.name;
  if (named.name !== 'ID') return 'text';
  return `${field[0]!.toUpperCase()}${field.slice(1).replace(/Id$/, '')}:${uuid}`;
}

const mutations = Object.values(schema.getMutationType()!.getFields()).map((field) => {
  const type = getNamedType(field.args[0]!.type);
  if (!isInputObjectType(type)) throw new Error(`${field.name} takes no input object`);
  const texts = Object.values(type.getFields()).filter(({ type: of }) => String(of).startsWith('String'));
  return { name: field.name, type, texts: texts.map(({ name }) => name) };
});

const rowsWritten = async () => {
  const { rows } = await database.pool.query<{ n: number }>(
    `select (select count(*) from event)::int + (select count(*) from idempotency_key)::int as n`,
  );
  return rows[0]!.n;
};

test.each(mutations.flatMap(({ name, type, texts }) => texts.map((field) => ({ name, field, type }))))(
  '$name refuses a $field that PostgreSQL cannot hold, names it and writes nothing',
  async ({ name, field, type }) => {
    const before = await rowsWritten();
    for (const text of ['a\0b', 'a\ud800b', 'a\udc00b']) {
      const answer = await requestData<{ result: unknown }>(
        api.url,
        `mutation ($input: ${type.name}!) { result: ${name}(input: $input) { __typename ... on ValidationError { fields { path } } } }`,
        { input: { ...plainInput(type), [field]: text } },
      );
      expect(answer.result).toEqual({ __typename: 'ValidationError', fields: [{ path: field }] });
    }
    expect(await rowsWritten()).toBe(before);
    expect(api.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
  },
);

test('unstorable text deep inside an input is named by its path', async () => {
  const node = { id: 'a', title: 't', instruction: 'x\0', capabilities: [], dependsOn: [] };
  const { editPlan } = await requestData<{ editPlan: unknown }>(
    api.url,
    `mutation ($input: EditPlanInput!) { editPlan(input: $input) { ... on ValidationError { fields { path } } } }`,
    { input: { goalId: `Goal:${uuid}`, nodes: [node] } },
  );
  expect(editPlan).toEqual({ fields: [{ path: 'nodes[0].instruction' }] });
});

test.each([-1, 0, 0.0001, 86_401, 1e300])(
  'createTask refuses timeoutSeconds %d by its own name',
  async (timeoutSeconds) => {
    const { createTask } = await requestData<{ createTask: unknown }>(
      api.url,
      `mutation ($input: CreateTaskInput!) { createTask(input: $input) { ... on ValidationError { fields { path } } } }`,
      { input: { title: 't', instruction: 'i', timeoutSeconds } },
    );
    expect(createTask).toEqual({ fields: [{ path: 'timeoutSeconds' }] });
  },
);

test.each([
  '2026-02-30T00:00:00Z',
  '2025-02-29T00:00:00Z',
  '2026-04-31T10:00:00+02:00',
  '2026-13-01T00:00:00Z',
  '2026-01-00T00:00:00Z',
])('the day %s, which does not exist, is refused', async (runAt) => {
  const answer = await request(
    api.url,
    `mutation ($input: CreateTaskInput!) { createTask(input: $input) { __typename } }`,
    { input: { title: 't', instruction: 'i', runAt } },
  );
  expect(answer.errors?.[0]?.message).toContain('input.runAt');
});

test('the last day of February in a leap year is a day', async () => {
  const answer = await request<{ createTask: unknown }>(
    api.url,
    `mutation { createTask(input: { title: "t", instruction: "i", runAt: "2028-02-29T23:59:59.999Z" }) { ... on Task { runAt } } }`,
  );
  expect(answer.data?.createTask).toEqual({ runAt: '2028-02-29T23:59:59.999Z' });
});

test.each(['subjectId', 'goalId'])(
  'an empty %s in a filter of events is refused, not taken for none',
  async (field) => {
    const answer = await request(api.url, `{ events(where: { ${field}: "" }) { edges { cursor } } }`);
    expect(answer.errors?.[0]?.extensions).toMatchObject({ code: 'VALIDATION', field: `where.${field}` });
  },
);

test.each([
  { query: '{ __typename }', variables: [] },
  { query: '{ __typename }', extensions: 'x' },
  { query: '{ __typename }', surprise: 1 },
  { query: 'query A { __typename } query B { __typename }' },
  { query: 'query A { __typename }', operationName: 'B' },
])('the request %j is refused with a code of the API', async (body) => {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(400);
  const { errors } = (await response.json()) as GraphQLAnswer;
  expect(errorCodes).toContain(errors?.[0]?.extensions?.code);
});

test('a body that is not UTF-8 is refused rather than changed', async () => {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: Buffer.concat([Buffer.from('{"query":"{ __typename } #'), Buffer.from([0xff]), Buffer.from('"}')]),
  });
  expect(response.status).toBe(400);
});

test('who sends a body over the limit gets to read why, also without a length', async () => {
  const body = new TextEncoder().encode(JSON.stringify({ query: 'x'.repeat(1_500_000) }));
  for (let round = 0; round < 20; round += 1) {
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(body);
        controller.close();
      },
    });
    const response = await fetch(`${api.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: stream,
      duplex: 'half',
    } as RequestInit);
    expect(response.status).toBe(413);
    await response.text();
  }
});

test('a body far over the limit is cut off', async () => {
  const sent = await new Promise<number>((resolve) => {
    const socket = connect(api.port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => resolve(socket.bytesWritten));
    socket.write(
      `POST /graphql HTTP/1.1\r\nhost: 127.0.0.1:${api.port}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n`,
    );
    const piece = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    const more = () => {
      while (!socket.destroyed && socket.write(piece));
    };
    socket.on('drain', more);
    more();
  });
  expect(sent).toBeLessThan(64_000_000);
});

test.each(['/health', '/health/live', '/metrics', '/schema.graphql', '/', '/nothing'])(
  '%s can only be read',
  async (path) => {
    for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
      const response = await fetch(`${api.url}${path}`, { method });
      expect(response.status).toBe(405);
      expect(response.headers.get('allow')).toBe('GET, HEAD');
    }
    expect((await fetch(`${api.url}${path}`, { method: 'HEAD' })).status).not.toBe(405);
  },
);

test('a missing asset is 404 whatever the client would take, never the start page', async () => {
  for (const path of ['/assets/gone', '/assets/gone.js', '/assets/a/b'])
    expect((await fetch(`${api.url}${path}`, { headers: { accept: 'text/html' } })).status).toBe(404);
});

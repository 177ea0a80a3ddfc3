import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getIntrospectionQuery } from 'graphql';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { openRaw, subscribeTo } from '../../support/raw-socket.ts';

let database: TestDatabase;
let folder: string;
/** As it comes. */
let open: TestApi;
/** HIVE_DOCUMENTS=persisted and HIVE_INTROSPECTION=off. */
let strict: TestApi;

const manifest = JSON.parse(
  readFileSync(new URL('../../../schema/persisted-documents.json', import.meta.url), 'utf8'),
) as Record<string, string>;
const idOf = (text: string) => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const [goalsId, goalsText] = Object.entries(manifest).find(([, text]) => text.startsWith('query Goals('))!;
const own = '{ health { status } }';
const foreign = '{ viewer { workspaceName } }';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'hive-documents-'));
  const documentsFile = join(folder, 'documents.json');
  writeFileSync(
    documentsFile,
    JSON.stringify({ [idOf(own)]: own, pulse: 'subscription { systemHealth { status } }' }),
  );
  database = await createTestDatabase();
  open = await startTestApi(database);
  strict = await startTestApi(database, {
    security: { documents: 'persisted', documentsFile, introspection: 'off' },
  });
});
afterAll(async () => {
  await open?.close();
  await strict?.close();
  await database?.drop();
  rmSync(folder, { recursive: true, force: true });
});

interface Outcome {
  status: number;
  data?: unknown;
  errors?: { message: string; extensions: { code: string; reason?: string } }[];
}

async function byPost(api: TestApi, body: object): Promise<Outcome> {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: response.status, ...((await response.json()) as object) };
}

async function byGet(api: TestApi, params: Record<string, string>): Promise<Outcome> {
  const response = await fetch(`${api.url}/graphql?${new URLSearchParams(params)}`);
  return { status: response.status, ...((await response.json()) as object) };
}

/** The first message to a `subscribe`: `next` or `error`. */
async function bySocket(api: TestApi, payload: object): Promise<Outcome> {
  const raw = await openRaw(api.url);
  raw.send({ id: '1', type: 'subscribe', payload });
  const message = await Promise.race([raw.next(), raw.closed]);
  raw.socket.terminate();
  if ('code' in message) throw new Error(`closed with ${message.code}`);
  return message.type === 'next'
    ? { status: 200, ...(message.payload as object) }
    : { status: 400, errors: message.payload as NonNullable<Outcome['errors']> };
}

const apqOf = (text: string) => ({
  extensions: { persistedQuery: { version: 1, sha256Hash: idOf(text).slice(7) } },
});
const transports = [
  ['POST', byPost],
  ['a WebSocket', bySocket],
] as const;

test('every id of the manifest is that of its text', () => {
  expect(Object.keys(manifest).length).toBeGreaterThan(20);
  for (const [id, text] of Object.entries(manifest)) expect(idOf(text)).toBe(id);
});

describe.each(transports)('over %s', (_, ask) => {
  test('an operation of the app is known by its id', async () => {
    const { status, data } = await ask(open, { documentId: goalsId, variables: { first: 1 } });
    expect([status, data]).toMatchObject([200, { goals: { edges: [] } }]);
    expect((await ask(open, apqOf(goalsText))).data).toMatchObject({ goals: {} });
    expect(
      (await ask(strict, { documentId: goalsId.toUpperCase().replace('SHA', 'sha') })).data,
    ).toBeDefined();
  });

  test('an unknown id is refused in a way that clients can tell', async () => {
    for (const named of [{ documentId: idOf('{ x }') }, apqOf('{ x }')]) {
      const { status, errors } = await ask(open, named);
      expect(status).toBe(400);
      expect(errors?.[0]?.extensions).toMatchObject({
        code: 'VALIDATION',
        reason: 'PERSISTED_DOCUMENT_NOT_FOUND',
      });
    }
  });

  test.each([['md5:abc'], ['sha256:zz'], [goalsId.slice(7)], [5], [{}]])(
    '%j is no id',
    async (documentId) => {
      expect((await ask(open, { documentId })).errors?.[0]?.extensions.reason).toBe('DOCUMENT_ID_INVALID');
    },
  );

  test('nobody teaches the server a document by sending it with its hash, nor with another one', async () => {
    expect((await ask(open, { query: foreign, ...apqOf(foreign) })).data).toBeDefined();
    expect((await ask(open, apqOf(foreign))).errors?.[0]?.extensions.reason).toBe(
      'PERSISTED_DOCUMENT_NOT_FOUND',
    );
    expect((await ask(open, { query: foreign, documentId: goalsId })).errors?.[0]?.extensions.reason).toBe(
      'DOCUMENT_HASH_MISMATCH',
    );
  });

  test('with the allow-list only what is on it runs, by id or by its full text', async () => {
    expect((await ask(strict, { query: goalsText })).data).toBeDefined();
    expect((await ask(strict, { query: own })).data).toBeDefined();
    expect((await ask(strict, { documentId: idOf(own) })).data).toBeDefined();
    for (const query of [foreign, `${own} `, '{ __typename }', 'not a document']) {
      const { errors } = await ask(strict, { query });
      expect(errors?.[0]?.extensions).toMatchObject({ code: 'FORBIDDEN', reason: 'DOCUMENT_NOT_ALLOWED' });
    }
  });
});

test('a GET may name its document by id', async () => {
  expect((await byGet(open, { documentId: goalsId })).data).toMatchObject({ goals: {} });
  expect((await byGet(open, { documentId: goalsId, variables: '{"first":1}' })).status).toBe(200);
  expect((await byGet(open, { documentId: idOf('{ x }') })).errors?.[0]?.extensions.reason).toBe(
    'PERSISTED_DOCUMENT_NOT_FOUND',
  );
  expect((await byGet(strict, { query: foreign })).status).toBe(403);
  const [mutationId] = Object.entries(manifest).find(([, text]) => text.startsWith('mutation CancelGoal('))!;
  expect((await byGet(open, { documentId: mutationId, variables: '{"input":{"goalId":"x"}}' })).status).toBe(
    405,
  );
});

test('a subscription of the list runs by its id', async () => {
  const raw = await openRaw(strict.url);
  raw.send(
    subscribeTo('1', '', { query: undefined, documentId: idOf('subscription { systemHealth { status } }') }),
  );
  expect(await raw.next()).toMatchObject({ type: 'next', payload: { data: { systemHealth: {} } } });
  raw.socket.terminate();
});

test('the schema is told nowhere when introspection is off', async () => {
  const api = await startTestApi(database, { security: { introspection: 'off' } });
  for (const ask of [byPost, bySocket]) {
    const { errors } = await ask(api, { query: getIntrospectionQuery() });
    expect(errors?.[0]?.extensions.code).toBe('FORBIDDEN');
  }
  expect((await byPost(api, { query: '{ __typename viewer { __typename } }' })).data).toBeDefined();
  expect((await fetch(`${api.url}/schema.graphql`)).status).toBe(403);
  const page = await fetch(`${api.url}/graphql`, { headers: { accept: 'text/html' } });
  expect([page.status, await page.text()]).toEqual([403, expect.stringContaining('HIVE_INTROSPECTION=off')]);
  await api.close();
});

test('the playground says why it is off with an allow-list', async () => {
  const api = await startTestApi(database, { security: { documents: 'persisted' } });
  const page = await fetch(`${api.url}/graphql`, { headers: { accept: 'text/html' } });
  expect([page.status, await page.text()]).toEqual([
    403,
    expect.stringContaining('HIVE_DOCUMENTS=persisted'),
  ]);
  await api.close();
});

test.each([
  ['no JSON', 'nope', /cannot be read as JSON/],
  ['a list', '[]', /must hold one JSON object/],
  ['a number for a document', '{"a":5}', /the document a must be text/],
  ['a wrong hash', `{"${goalsId}":"{ x }"}`, /has another SHA-256/],
])('a documents file with %s ends the start and says so', async (_, text, message) => {
  const documentsFile = join(folder, 'wrong.json');
  writeFileSync(documentsFile, text);
  await expect(startTestApi(database, { security: { documentsFile } })).rejects.toThrow(message);
});

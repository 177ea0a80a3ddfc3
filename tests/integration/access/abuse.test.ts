import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { openRaw, type RawSocket } from '../../support/raw-socket.ts';
import { countStatements } from '../../support/sql-count.ts';

let database: TestDatabase;
let api: TestApi;

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
});

const repeat = (count: number, text: (index: number) => string) =>
  Array.from({ length: count }, (_, index) => text(index)).join(' ');
const deep = (depth: number): unknown => JSON.parse(`${'['.repeat(depth)}1${']'.repeat(depth)}`);

const abusive: [string, { query: string; variables?: unknown }, string][] = [
  [
    '10,000 aliases',
    { query: `{ ${repeat(10_000, (index) => `a${index}: goals { totalCount }`)} }` },
    'LIMIT_EXCEEDED',
  ],
  ['a depth of 1,000', { query: `${'{ goal '.repeat(1_000)} { id } ${'}'.repeat(1_000)}` }, 'LIMIT_EXCEEDED'],
  [
    'a depth within the tokens',
    { query: `{ ${'goals { edges { node { goal { '.repeat(60)} id ${'} } } }'.repeat(60)} }` },
    'LIMIT_EXCEEDED',
  ],
  [
    'a ring of 100 fragments',
    {
      query: `{ ...F0 } ${repeat(50, (index) => `fragment F${index} on Query { ...F${(index + 1) % 50} }`)}`,
    },
    'VALIDATION',
  ],
  [
    'fragments that double each other',
    {
      query: `{ ...F0 } ${repeat(40, (index) => `fragment F${index} on Query { ...F${index + 1} ...F${index + 1} }`)} fragment F40 on Query { goals { totalCount } }`,
    },
    'LIMIT_EXCEEDED',
  ],
  ['one field a thousand times', { query: `{ ${'goals { totalCount } '.repeat(300)} }` }, 'LIMIT_EXCEEDED'],
  [
    'a thousand inline fragments',
    { query: `{ ${'... on Query { goals { totalCount } } '.repeat(180)} }` },
    'LIMIT_EXCEEDED',
  ],
  [
    'a thousand operations',
    { query: repeat(300, (index) => `query Q${index} { goals { totalCount } }`) },
    'LIMIT_EXCEEDED',
  ],
  ['a megabyte of one name', { query: `{ ${'a'.repeat(1_000_000)} }` }, 'LIMIT_EXCEEDED'],
  ['a megabyte of brackets', { query: '{a'.repeat(500_000) }, 'LIMIT_EXCEEDED'],
  [
    'a list 100,000 deep',
    {
      query: 'query ($w: GoalFilter) { goals(where: $w) { totalCount } }',
      variables: { w: { status: deep(100_000) } },
    },
    'LIMIT_EXCEEDED',
  ],
  [
    'a list in the text 900 deep',
    { query: `{ goals(where: { status: ${'['.repeat(900)}${']'.repeat(900)} }) { totalCount } }` },
    'VALIDATION',
  ],
  [
    '60,000 variables',
    {
      query: '{ goals { totalCount } }',
      variables: Object.fromEntries(Array.from({ length: 60_000 }, (_, index) => [`v${index}`, 1])),
    },
    'LIMIT_EXCEEDED',
  ],
  [
    'a cost beyond all measure',
    {
      query:
        '{ goals(first: 100) { edges { node { tasks(first: 100) { edges { node { steps { id name } dependsOn { id title } } } } } } } }',
    },
    'LIMIT_EXCEEDED',
  ],
];

describe.each(['HTTP', 'WebSocket'])('over %s', (transport) => {
  test.each(abusive)('%s is refused before anything is read', async (_, body, code) => {
    // JSON.stringify is recursive, too.
    const text = body.variables && transport ? stringify(body) : JSON.stringify(body);
    let errors: { extensions: { code: string } }[] = [];
    const statements = await countStatements(database.tenantPool, async () => {
      errors = (await (transport === 'HTTP' ? overHttp(text) : overSocket(text))) as typeof errors;
    });
    expect(errors[0]!.extensions.code).toBe(code);
    expect(errors.length).toBeLessThanOrEqual(20);
    expect(statements).toEqual([]);
  });
});

function stringify({ query, variables }: { query: string; variables?: unknown }): string {
  return `{"query":${JSON.stringify(query)},"variables":${flat(variables)}}`;
}

/** Deep lists as text, without a stack of calls. */
function flat(value: unknown): string {
  const status = (value as { w?: { status?: unknown } }).w?.status;
  if (status === undefined) return JSON.stringify(value);
  return `{"w":{"status":${'['.repeat(100_000)}1${']'.repeat(100_000)}}}`;
}

async function overHttp(body: string): Promise<unknown> {
  const response = await fetch(`${api.url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  return ((await response.json()) as { errors: unknown }).errors;
}

async function overSocket(payload: string): Promise<unknown> {
  const raw = await openRaw(api.url);
  raw.send(`{"id":"1","type":"subscribe","payload":${payload}}`);
  const message = await Promise.race([raw.next(), raw.closed]);
  raw.socket.terminate();
  if ('code' in message) throw new Error(`closed with ${message.code}`);
  if (message.type === 'next') return (message.payload as { errors: unknown }).errors;
  return message.payload;
}

test.each([2, 1_000])('a batch of %d is refused with a word', async (size) => {
  const errors = await overHttp(
    JSON.stringify(Array.from({ length: size }, () => ({ query: '{ goals { totalCount } }' }))),
  );
  expect(errors).toEqual([
    { message: expect.stringContaining('Batches are not supported'), extensions: { code: 'VALIDATION' } },
  ]);
});

describe('a WebSocket is closed', () => {
  const closedAfter = async (act: (raw: RawSocket) => void, options?: Parameters<typeof openRaw>[1]) => {
    const raw = await openRaw(api.url, options);
    act(raw);
    return (await raw.closed).code;
  };
  const bytes = (raw: RawSocket, data: number[]) =>
    (raw.socket as unknown as { _socket: { write(data: Buffer): void } })._socket.write(Buffer.from(data));

  test('for a frame of 100 MB, by its header alone', async () => {
    // A masked text frame that announces 100 MB and sends none of it.
    expect(
      await closedAfter((raw) => bytes(raw, [0x81, 0xff, 0, 0, 0, 0, 0x05, 0xf5, 0xe1, 0, 0, 0, 0, 0])),
    ).toBe(1009);
  });

  test('for many small frames that make a large message', async () => {
    const code = await closedAfter((raw) => {
      for (let index = 0; index < 40; index += 1)
        raw.socket.send('x'.repeat(65_536), { fin: false, binary: false });
    });
    expect(code).toBe(1009);
  });

  test('for text that is no UTF-8', async () => {
    expect(await closedAfter((raw) => bytes(raw, [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]))).toBe(1007);
  });

  test('for a second connection_init', async () => {
    expect(await closedAfter((raw) => raw.send({ type: 'connection_init' }))).toBe(4429);
    expect(
      await closedAfter((raw) => raw.send({ type: 'connection_init' }, { type: 'connection_init' }), {
        init: false,
      }),
    ).toBe(4429);
  });

  test('without a connection_init in time', async () => {
    const other = await startTestApi(database, { http: { sockets: { initTimeoutMs: 30 } } });
    const raw = await openRaw(other.url, { init: false });
    expect((await raw.closed).code).toBe(4408);
    await other.close();
  });

  test('for a protocol that is not spoken here', async () => {
    await expect(openRaw(api.url, { protocol: 'graphql-ws', init: false })).rejects.toThrow('subprotocol');
  });
});

/** What a connection is answered for raw bytes, until it is closed. */
const exchange = (bytes: string) =>
  new Promise<string>((resolve) => {
    const socket = connect(api.port, '127.0.0.1', () => socket.write(bytes));
    let answer = '';
    socket.on('data', (data: Buffer) => (answer += data.toString('latin1')));
    socket.on('error', () => {});
    socket.on('close', () => resolve(answer));
  });

test.each([
  ['no HTTP', 'nonsense\r\n\r\n', /^HTTP\/1\.1 400 /],
  ['a broken header', 'GET / HTTP/1.1\r\nhost 127.0.0.1\r\n\r\n', /^HTTP\/1\.1 400 /],
  [
    'two lengths',
    'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nx',
    /^HTTP\/1\.1 400 /,
  ],
  [
    'a length beside chunks',
    'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
    /^HTTP\/1\.1 400 /,
  ],
  ['headers without end', `GET / HTTP/1.1\r\nx: ${'y'.repeat(20_000)}\r\n\r\n`, /^HTTP\/1\.1 431 /],
])('%s is refused without a word about us', async (_, bytes, status) => {
  const answer = await exchange(bytes);
  expect(answer).toMatch(status);
  expect(answer).not.toMatch(/node|stack|at .*\.(ts|js)|Error:/i);
});

test('a path that is no address is refused', async () => {
  for (const path of ['http://evil.example/', '//evil.example/', '*', '/%', '/\\..\\x', 'x'.repeat(10)]) {
    const answer = await exchange(
      `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${api.port}\r\nconnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 (400|404|503) /);
    expect(answer).not.toMatch(/ at .*\.ts/);
  }
  expect(api.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

import { once } from 'node:events';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { startTestApi, type TestApi } from '../../support/api.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';

let database: TestDatabase;
let api: TestApi;
const sockets: WebSocket[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  api = await startTestApi(database);
});
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.terminate();
});
afterAll(async () => {
  await api?.close();
  await database?.drop();
});

type Message = { type: string; id?: string; payload?: unknown };

/** A socket as a client without a library has it, with the messages it got. */
async function open(initialise = true): Promise<{
  socket: WebSocket;
  send(...messages: (object | string | Buffer)[]): void;
  next(): Promise<Message>;
  closed: Promise<number>;
}> {
  const socket = new WebSocket(`${api.url.replace('http', 'ws')}/graphql`, 'graphql-transport-ws');
  sockets.push(socket);
  socket.on('error', () => {});
  const waiting: Message[] = [];
  let wake = () => {};
  socket.on('message', (data) => {
    waiting.push(JSON.parse((data as Buffer).toString()) as Message);
    wake();
  });
  const closed = once(socket, 'close').then(([code]) => code as number);
  await once(socket, 'open');
  const next = async () => {
    while (waiting.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    return waiting.shift()!;
  };
  const send = (...messages: (object | string | Buffer)[]) => {
    for (const message of messages)
      socket.send(
        typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message),
      );
  };
  if (initialise) {
    send({ type: 'connection_init' });
    expect((await next()).type).toBe('connection_ack');
  }
  return { socket, send, next, closed };
}

const subscribe = (id: unknown, query: unknown, more: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, ...more },
});
const events = 'subscription { events { type } }';

test.each<[string, (object | string | Buffer)[], number]>([
  ['a second connection_init', [{ type: 'connection_init' }], 4429],
  ['an id in use', [subscribe('1', events), subscribe('1', events)], 4409],
  [
    'an id in use that is also a name of every object',
    [subscribe('__proto__', events), subscribe('__proto__', events)],
    4409,
  ],
  ['text that is no JSON', ['{nope'], 4400],
  ['a list', ['[]'], 4400],
  ['an unknown type', [{ type: 'surprise' }], 4400],
  ['an empty id', [subscribe('', events)], 4400],
  ['a number for an id', [subscribe(1, events)], 4400],
  ['a number for a query', [subscribe('1', 5)], 4400],
  ['a list of variables', [subscribe('1', events, { variables: [] })], 4400],
  ['a subscribe without a payload', [{ id: '1', type: 'subscribe' }], 4400],
  ['binary rubbish', [Buffer.from([0xff, 0xfe, 0])], 4400],
  ['a message only a server sends', [{ type: 'connection_ack' }], 4400],
  ['a result from the client', [{ type: 'next', id: '1', payload: {} }], 4400],
])('%s closes the socket with its own code and logs no error', async (_, messages, code) => {
  const { send, closed } = await open();
  send(...messages);
  expect(await closed).toBe(code);
  expect(api.log.lines.filter(({ level }) => level === 'error')).toEqual([]);
});

test('an operation before connection_init closes the socket with 4401', async () => {
  const { send, closed } = await open(false);
  send(subscribe('1', '{ __typename }'));
  expect(await closed).toBe(4401);
});

test.each([
  ['text that is no UTF-8', [0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe], 1007],
  ['a frame that is not masked', [0x81, 0x02, 0x7b, 0x7d], 1002],
])('%s closes the socket', async (_, bytes, code) => {
  const { socket, closed } = await open();
  (socket as unknown as { _socket: { write(data: Buffer): void } })._socket.write(Buffer.from(bytes));
  expect(await closed).toBe(code);
});

test('a ping is answered, with its payload, also before connection_init', async () => {
  const { send, next } = await open(false);
  send({ type: 'ping', payload: { at: 1 } });
  expect(await next()).toEqual({ type: 'pong', payload: { at: 1 } });
});

test('an id is free again after its complete', async () => {
  const { send, next } = await open();
  send(subscribe('1', 'subscription { systemHealth { status } }'));
  expect(await next()).toMatchObject({ id: '1', type: 'next' });
  send({ id: '1', type: 'complete' }, { type: 'ping' });
  while ((await next()).type !== 'pong');
  send(subscribe('1', '{ __typename }'));
  expect(await next()).toMatchObject({ id: '1', type: 'next', payload: { data: { __typename: 'Query' } } });
  expect(await next()).toEqual({ id: '1', type: 'complete' });
});

test('a storm of subscriptions that end at once leaves nothing running', async () => {
  const { send, next } = await open();
  for (let index = 0; index < 1_000; index += 1)
    send(subscribe(`s${index}`, events), { id: `s${index}`, type: 'complete' });
  send(subscribe('last', '{ __typename }'));
  expect(await next()).toMatchObject({ id: 'last', type: 'next' });
  await expect
    .poll(
      async () =>
        (await (await fetch(`${api.url}/metrics`)).text()).match(/^hive_shared_subscriptions .*/m)?.[0],
    )
    .toBe('hive_shared_subscriptions 0');
});

test.each([
  ['two operations and no name', 'query A { __typename } query B { __typename }', {}],
  ['a name no operation has', 'query A { __typename }', { operationName: 'B' }],
])('%s is an error with a code', async (_, query, more) => {
  const { send, next } = await open();
  send(subscribe('1', query, more));
  expect(await next()).toMatchObject({ type: 'error', payload: [{ extensions: { code: 'VALIDATION' } }] });
});

const costly = `{ events { subject { ... on Goal { tasks(first: 100) { edges { node { steps { id } dependsOn { id dependsOn { id dependsOn { id dependsOn { id } } } } } } } } } } }`;

test('a subscription whose events would cost too much is refused at its start', async () => {
  const { send, next } = await open();
  send(
    subscribe('1', `query Harmless { __typename } subscription Costly ${costly}`, {
      operationName: 'Costly',
    }),
  );
  const message = await next();
  expect(JSON.stringify(message)).toContain('LIMIT_EXCEEDED');
  // Ended, not left to answer every event with the same error.
  if (message.type === 'next') expect(await next()).toEqual({ id: '1', type: 'complete' });
});

import { request as httpRequest } from 'node:http';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDocumentCache } from '../../server/src/graphql/document-cache.ts';
import { schema } from '../../server/src/graphql/schema.ts';
import { createTestDatabaseUrl, dropTestDatabase } from '../support/database.ts';
import { openRaw, subscribeTo, type RawSocket } from '../support/raw-socket.ts';
import { startServer } from '../support/server-process.ts';
import { abusiveDocuments } from './abusive-documents.ts';
import { startHiveUnderAttack, type HiveUnderAttack } from './hive-under-attack.ts';

let hive: HiveUnderAttack;
let key: { headers: { authorization: string } };
beforeAll(async () => {
  hive = await startHiveUnderAttack();
  key = await hive.key(hive.ada, { role: 'OWNER' }, hive.home);
});
afterAll(() => hive?.stop());

const manifest = new URL('../../schema/persisted-documents.json', import.meta.url);
const json = { 'content-type': 'application/json' };
const post = (body: string | Buffer, headers: Record<string, string> = key.headers) =>
  hive.call('/graphql', { method: 'POST', headers: { ...json, ...headers }, body: body as BodyInit });
const socket = () => openRaw(hive.url, { init: key.headers });

/** While nobody can read a row of what the documents ask for: an answer can only come from before the resolvers. */
async function withoutData(work: () => Promise<void>): Promise<void> {
  const client = await hive.pool.connect();
  try {
    await client.query(
      'begin; lock table goal, task, workflow_run, event, agent, step in access exclusive mode',
    );
    await work();
  } finally {
    await client.query('rollback');
    client.release();
  }
}

/** Whatever was sent before: others are served. */
const expectAlive = async () => expect((await post('{"query":"{ viewer { role } }"}')).status).toBe(200);

async function answerOf({ send, next }: RawSocket, message: object): Promise<string> {
  send(message);
  return JSON.stringify(await next());
}

describe('a document with', () => {
  test.each(Object.entries(abusiveDocuments))(
    '%s is refused before any resolver, on both transports',
    async (_, query) => {
      const raw = await socket();
      await withoutData(async () => {
        const answer = await post(JSON.stringify({ query }));
        const { errors, data } = answer.body as {
          errors: { extensions: { code: string } }[];
          data?: unknown;
        };
        expect(errors[0]!.extensions.code).toMatch(/^(LIMIT_EXCEEDED|VALIDATION)$/);
        expect(data ?? null).toBeNull();
        // An error a thousand times as long as what it is about would be an attack of its own.
        expect(answer.text.length).toBeLessThan(20_000);
        const over = await answerOf(raw, subscribeTo('1', query));
        expect(over).toMatch(/LIMIT_EXCEEDED|VALIDATION/);
        expect(over).not.toContain('"data":{');
      });
      raw.socket.close();
      await expectAlive();
    },
  );

  test('any of these is told off soon (figures printed, aim 10 ms)', async () => {
    const rows: Record<string, object> = {};
    for (const [name, query] of Object.entries(abusiveDocuments)) {
      const documents = createDocumentCache({ schema, introspection: 'on' });
      const inside = await sample(50, () => refuse(documents, query));
      const body = JSON.stringify({ query });
      const outside = await sample(50, () => sendAsIs(body));
      rows[name] = {
        'inside p50': inside.p50,
        'inside p95': inside.p95,
        'by HTTP p50': outside.p50,
        'by HTTP p95': outside.p95,
      };
    }
    console.log(
      'Milliseconds until an abusive document is refused: parsing and measuring alone, and with its way over HTTP.',
    );
    console.table(rows);
  });
});

function refuse(documents: ReturnType<typeof createDocumentCache>, query: string): void {
  let refused = false;
  try {
    refused = documents.validate(documents.parse(query)).length > 0;
  } catch {
    refused = true;
  }
  // The cost of lists in lists is known from the schema and counted when the first field is about to be resolved.
  expect(refused || query === abusiveDocuments['lists in lists, 100 by 100 by 100']).toBe(true);
}

async function sample(runs: number, work: () => void | Promise<void>): Promise<{ p50: number; p95: number }> {
  const taken: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const began = performance.now();
    await work();
    taken.push(performance.now() - began);
  }
  taken.sort((left, right) => left - right);
  const at = (share: number) => Number(taken[Math.min(runs - 1, Math.floor(share * runs))]!.toFixed(2));
  return { p50: at(0.5), p95: at(0.95) };
}

/** Without the time that fetch takes to build its objects. */
function sendAsIs(body: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { ...json, ...key.headers, 'content-length': Buffer.byteLength(body) };
    const sent = httpRequest(
      { port: hive.port, host: '127.0.0.1', path: '/graphql', method: 'POST', headers },
      (response) => {
        response.resume().once('end', resolve);
      },
    );
    sent.once('error', reject);
    sent.end(body);
  });
}

describe('what is too much to be read', () => {
  test('a batch of 1,000 is refused whole', async () => {
    const operation = {
      query: 'mutation { createTask(input: { title: "t", instruction: "i" }) { __typename } }',
    };
    const before = await hive.pool.query('select 1 from task');
    const answer = await post(JSON.stringify(Array.from({ length: 1_000 }, () => operation)));
    expect([answer.status, answer.body.errors[0].extensions.code]).toEqual([400, 'VALIDATION']);
    const raw = await socket();
    raw.send(Array.from({ length: 1_000 }, () => subscribeTo('1', operation.query)));
    expect((await raw.closed).code).toBe(4400);
    expect((await hive.pool.query('select 1 from task')).rowCount).toBe(before.rowCount);
  });

  test.each(['/graphql', '/api/auth/sign-in/email', '/api/auth/hive/setup'])(
    'a body of 100 MB to %s is cut off, announced or not',
    async (path) => {
      for (const announced of [false, true]) {
        const sent = await pour(path, announced);
        expect(sent.answer === '' || sent.answer.startsWith('HTTP/1.1 413')).toBe(true);
        expect(sent.bytes).toBeLessThan(50_000_000);
      }
      await expectAlive();
    },
  );

  test.each(['in one frame', 'in a thousand fragments', 'announced, and never sent'])(
    'a message of 100 MB %s',
    async (how) => {
      const raw = await socket();
      const stream = (
        raw.socket as unknown as { _socket: { write(data: Buffer): boolean; destroyed: boolean } }
      )._socket;
      const size = 100_000_000;
      const head = (first: number, length: number) => {
        const bytes = Buffer.alloc(14);
        bytes.writeUInt8(first, 0);
        bytes.writeUInt8(0x80 | 127, 1);
        bytes.writeBigUInt64BE(BigInt(length), 2);
        return bytes;
      };
      if (how === 'in a thousand fragments') {
        const part = Buffer.alloc(size / 1_000, 0x20);
        for (let index = 0; index < 1_000 && !stream.destroyed; index += 1)
          stream.write(Buffer.concat([head(index === 0 ? 0x01 : 0x00, part.length), part]));
      } else {
        stream.write(head(0x81, size));
        if (how === 'in one frame')
          for (let index = 0; index < 100 && !stream.destroyed; index += 1)
            stream.write(Buffer.alloc(1_000_000, 0x20));
      }
      expect([1009, 1006]).toContain((await raw.closed).code);
      await expectAlive();
    },
  );

  test('text that is no UTF-8 is refused on both transports, never changed', async () => {
    for (const bytes of [[0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80], [0xe2, 0x82]]) {
      const query = 'mutation { createTask(input: { title: "';
      const body = Buffer.concat([
        Buffer.from(`{"query":${JSON.stringify(query).slice(0, -1)}`),
        Buffer.from(bytes),
        Buffer.from('\\", instruction: \\"i\\" }) { __typename } }"}'),
      ]);
      expect((await post(body)).status).toBe(400);
      const raw = await socket();
      const frame = Buffer.concat([
        Buffer.from([0x81, 0x80 | (bytes.length + 2), 0, 0, 0, 0]),
        Buffer.from('{"'),
        Buffer.from(bytes),
      ]);
      (raw.socket as unknown as { _socket: { write(data: Buffer): void } })._socket.write(frame);
      expect((await raw.closed).code).toBe(1007);
    }
  });

  test.each([
    ['10,000 levels', '['.repeat(10_000) + ']'.repeat(10_000)],
    ['400,000 levels', '['.repeat(400_000) + ']'.repeat(400_000)],
    ['objects, 10,000 levels', '{"a":'.repeat(10_000) + '1' + '}'.repeat(10_000)],
    ['200,000 values', `[${'0,'.repeat(200_000)}0]`],
  ])('variables of %s are refused on both transports, wherever they are', async (_, value) => {
    const query = 'query ($x: JSON) { viewer { role } goals { edges { cursor } } }';
    await withoutData(async () => {
      for (const place of ['variables', 'extensions']) {
        const answer = await post(`{"query":${JSON.stringify(query)},"${place}":{"x":${value}}}`);
        expect(answer.body.errors[0].extensions.code).toMatch(/LIMIT_EXCEEDED|VALIDATION/);
        const raw = await socket();
        raw.send(
          `{"id":"1","type":"subscribe","payload":{"query":${JSON.stringify(query)},"${place}":{"x":${value}}}}`,
        );
        const outcome = await Promise.race([raw.next(), raw.closed]);
        expect(JSON.stringify(outcome)).toMatch(/LIMIT_EXCEEDED|VALIDATION|44\d\d/);
        raw.socket.close();
      }
      const byHash = await socket();
      byHash.send(
        `{"id":"1","type":"subscribe","payload":{"documentId":"sha256:${'0'.repeat(64)}","variables":{"x":${value}}}}`,
      );
      expect(JSON.stringify(await Promise.race([byHash.next(), byHash.closed]))).toMatch(
        /LIMIT_EXCEEDED|VALIDATION|44\d\d/,
      );
      byHash.socket.close();
    });
    await expectAlive();
  });

  test('ids, operations and names that are not what they seem', async () => {
    const raw = await socket();
    for (const id of ['__proto__', 'constructor', 'toString'])
      expect(await answerOf(raw, subscribeTo(id, '{ viewer { role } }'))).toMatch(
        /"data"|"complete"|"error"/,
      );
    raw.socket.close();
    for (const variables of ['{"__proto__":{"role":"OWNER"}}', '{"constructor":{"prototype":{"x":1}}}'])
      expect(
        (await post(`{"query":"query ($input: CreateTaskInput!) { __typename }","variables":${variables}}`))
          .status,
      ).toBeLessThan(500);
    await expectAlive();
  });
});

/** Sends 100 MB to a path for as long as the server takes it. */
function pour(path: string, announced: boolean): Promise<{ bytes: number; answer: string }> {
  return new Promise((resolve) => {
    const stream = connect(hive.port, '127.0.0.1');
    let answer = '';
    stream.on('data', (chunk) => (answer += chunk.toString('latin1')));
    stream.on('error', () => {});
    stream.on('close', () => {
      hive.seen.push({ what: `POST ${path} 100 MB`, status: 0, text: answer });
      resolve({ bytes: stream.bytesWritten, answer });
    });
    const length = announced ? 'content-length: 100000000' : 'transfer-encoding: chunked';
    stream.write(
      `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${hive.port}\r\ncontent-type: application/json\r\nauthorization: ${key.headers.authorization}\r\n${length}\r\n\r\n`,
    );
    const text = 'x'.repeat(65_536);
    const piece = announced ? text : `10000\r\n${text}\r\n`;
    const more = () => {
      while (!stream.destroyed && stream.bytesWritten < 100_000_000 && stream.write(piece));
      if (stream.bytesWritten >= 100_000_000) stream.end();
    };
    stream.on('drain', more);
    more();
  });
}

describe('what a hive keeps to itself', () => {
  test('its schema, with introspection off', async () => {
    const other = await startHiveUnderAttack({ HIVE_INTROSPECTION: 'off' });
    const { headers } = await other.key(other.ada, { role: 'OWNER' }, other.home);
    const raw = await openRaw(other.url, { init: headers });
    for (const query of [
      '{ __schema { types { name } } }',
      '{ __type(name: "Goal") { name } }',
      '{ viewer { role } harmless: __schema { queryType { name } } }',
      '{ ...A } fragment A on Query { ... { x: __type(name: "Agent") { fields { name } } } }',
    ]) {
      expect(JSON.stringify(await other.ask(headers, query))).toContain('"FORBIDDEN"');
      expect(await answerOf(raw, subscribeTo('1', query))).toContain('"FORBIDDEN"');
    }
    expect(await other.do(headers, '{ __typename viewer { __typename } }')).toBeDefined();
    const typo = JSON.stringify(await other.ask(headers, '{ goal { tex } goalz { id } viewer { rol } }'));
    expect(typo).not.toContain('Did you mean');
    expect((await other.call('/schema.graphql', { headers })).status).toBe(403);
    expect((await other.call('/graphql', { headers: { ...headers, accept: 'text/html' } })).status).toBe(403);
    raw.socket.close();
    await other.stop();
  });

  test('everything but the documents of its app, with a list of what is allowed', async () => {
    const databaseUrl = await createTestDatabaseUrl();
    // Without an owner, so that whoever is at the machine may do everything, and still may not ask everything.
    const server = await startServer({ databaseUrl, env: { HIVE_DOCUMENTS: 'persisted' } });
    const ask = async (body: object) => {
      const answer = await fetch(`${server.url}/graphql`, {
        method: 'POST',
        headers: json,
        body: JSON.stringify(body),
      });
      return [answer.status, await answer.text()] as const;
    };
    const known = JSON.parse(readFileSync(manifest, 'utf8')) as Record<string, string>;
    const [documentId, text] = Object.entries(known).find(([, each]) => /^query \w*Viewer/i.test(each))!;
    expect((await ask({ documentId }))[1]).toContain('"data"');
    expect((await ask({ query: text }))[1]).toContain('"data"');
    const raw = await openRaw(server.url);
    for (const [body, code] of [
      [{ query: '{ __typename }' }, 'DOCUMENT_NOT_ALLOWED'],
      [{ query: `${text} ` }, 'DOCUMENT_NOT_ALLOWED'],
      [{ query: '{ viewer { role } }', documentId }, 'DOCUMENT_HASH_MISMATCH'],
      [
        {
          query: '{ viewer { role } }',
          extensions: { persistedQuery: { version: 1, sha256Hash: documentId.slice(7) } },
        },
        'DOCUMENT_HASH_MISMATCH',
      ],
      [{ documentId: `sha256:${'0'.repeat(64)}` }, 'PERSISTED_DOCUMENT_NOT_FOUND'],
      [{ documentId: '../../etc/passwd' }, 'DOCUMENT_ID_INVALID'],
      [{}, 'DOCUMENT_MISSING'],
    ] as const) {
      const [status, answer] = await ask(body);
      expect([status >= 400, answer]).toEqual([true, expect.stringContaining(code)]);
      expect(await answerOf(raw, { id: '1', type: 'subscribe', payload: { query: '', ...body } })).toContain(
        code,
      );
    }
    const byGet = await fetch(`${server.url}/graphql?query=%7B__typename%7D`);
    expect(byGet.status).toBe(403);
    raw.socket.close();
    await server.stop();
    await dropTestDatabase(databaseUrl);
  });
});

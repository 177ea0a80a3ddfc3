import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startHiveUnderAttack, type HiveUnderAttack } from './hive-under-attack.ts';
import { headOf, sendRaw, statusesOf as statuses } from './raw-http.ts';

let hive: HiveUnderAttack;
let key: { headers: { authorization: string } };
beforeAll(async () => {
  hive = await startHiveUnderAttack();
  key = await hive.key(hive.ada, { role: 'OWNER' }, hive.home);
});
afterAll(() => hive?.stop());

const raw = (bytes: string | Buffer) => sendRaw(hive, bytes);
const head = (line: string, ...headers: string[]) => headOf(hive, line, key.headers, headers);

describe('requests that two servers could read differently', () => {
  const smuggled = () => `GET /health/live HTTP/1.1\r\nhost: 127.0.0.1:${hive.port}\r\n\r\n`;
  const shapes: [string, () => string][] = [
    [
      'a length and chunks',
      () =>
        head(
          'POST /graphql HTTP/1.1',
          'content-type: application/json',
          'content-length: 5',
          'transfer-encoding: chunked',
        ) + `0\r\n\r\n${smuggled()}`,
    ],
    [
      'chunks and a length',
      () =>
        head(
          'POST /graphql HTTP/1.1',
          'content-type: application/json',
          'transfer-encoding: chunked',
          'content-length: 5',
        ) + `0\r\n\r\n${smuggled()}`,
    ],
    [
      'two lengths',
      () =>
        head(
          'POST /graphql HTTP/1.1',
          'content-type: application/json',
          'content-length: 2',
          'content-length: 60',
        ) + `{}${smuggled()}`,
    ],
    [
      'two lengths in one',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json', 'content-length: 2, 60') +
        `{}${smuggled()}`,
    ],
    [
      'a length with a sign',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json', 'content-length: +2') +
        `{}${smuggled()}`,
    ],
    [
      'a negative length',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json', 'content-length: -2') +
        `{}${smuggled()}`,
    ],
    [
      'a length in another base',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json', 'content-length: 0x2') +
        `{}${smuggled()}`,
    ],
    [
      'an encoding nobody knows',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json', 'transfer-encoding: xchunked') +
        `0\r\n\r\n${smuggled()}`,
    ],
    [
      'chunks twice',
      () =>
        head(
          'POST /graphql HTTP/1.1',
          'content-type: application/json',
          'transfer-encoding: chunked',
          'transfer-encoding: identity',
        ) + `0\r\n\r\n${smuggled()}`,
    ],
    [
      'chunks behind a tab',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json', 'transfer-encoding:\x0bchunked') +
        `0\r\n\r\n${smuggled()}`,
    ],
    [
      'a space before the colon',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json', 'content-length : 2') +
        `{}${smuggled()}`,
    ],
    [
      'a folded header',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json', 'transfer-encoding:\r\n chunked') +
        `0\r\n\r\n${smuggled()}`,
    ],
    [
      'a line that ends without its return',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json\ncontent-length: 2') +
        `{}${smuggled()}`,
    ],
    [
      'a chunk larger than it says',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json', 'transfer-encoding: chunked') +
        `1\r\n{}\r\n0\r\n\r\n${smuggled()}`,
    ],
    [
      'a chunk of no number',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json', 'transfer-encoding: chunked') +
        `zz\r\n{}\r\n0\r\n\r\n${smuggled()}`,
    ],
    [
      'a chunk of more than can be counted',
      () =>
        head('POST /graphql HTTP/1.1', 'content-type: application/json', 'transfer-encoding: chunked') +
        `fffffffffffffffff\r\n{}\r\n0\r\n\r\n${smuggled()}`,
    ],
  ];
  test.each(shapes)('%s: the second one in it is not answered', async (_, shape) => {
    const answered = statuses(await raw(shape()));
    expect(answered.length).toBeLessThanOrEqual(1);
    for (const status of answered) expect(status).toBeGreaterThanOrEqual(400);
  });

  test('two Host headers, or none', async () => {
    const twice = await raw(
      `GET /health HTTP/1.1\r\nhost: 127.0.0.1:${hive.port}\r\nhost: evil.example\r\n\r\n`,
    );
    const none = await raw('GET /health HTTP/1.1\r\n\r\n');
    expect([...statuses(twice), ...statuses(none)].every((status) => status >= 400)).toBe(true);
  });

  test('an upgrade in disguise', async () => {
    const upgrade = [
      'connection: upgrade',
      'upgrade: websocket',
      'sec-websocket-version: 13',
      'sec-websocket-key: x3JJHMbDL1EzLkh9GBhXDw==',
    ];
    const elsewhere = await raw(head('GET /metrics HTTP/1.1', ...upgrade));
    const h2c = await raw(
      head(
        'GET /graphql HTTP/1.1',
        'connection: upgrade, http2-settings',
        'upgrade: h2c',
        'http2-settings: AAMAAABkAARAAAAAAAIAAAAA',
      ) + smuggled(),
    );
    const posted = await raw(head('POST /graphql HTTP/1.1', ...upgrade, 'content-length: 2') + '{}');
    for (const text of [elsewhere, h2c, posted]) expect(text).not.toContain('101 Switching');
    expect(statuses(elsewhere)).toEqual([404]);
  });
});

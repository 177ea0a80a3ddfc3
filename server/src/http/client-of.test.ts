import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it, test } from 'vitest';
import { clientOf } from './client-of.ts';

const clientFrom = (
  remoteAddress: string,
  headers: IncomingHttpHeaders,
  trustedProxies: readonly string[] = [],
  encrypted = false,
) => clientOf({ headers, socket: { remoteAddress, encrypted } as never }, { trustedProxies });

describe('what is straight from this machine', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1:4000'],
    ['::ffff:127.0.0.1', 'localhost:4000'],
    ['::1', '[::1]:4000'],
  ])('is a peer on %s who asks for %s', (peer, host) => {
    expect(clientFrom(peer, { host }).isLocal).toBe(true);
  });

  it.each([
    ['another machine', '192.168.1.7', { host: '127.0.0.1:4000' }],
    ['a name of the network', '127.0.0.1', { host: '192.168.1.2:4000' }],
    ['a public name', '127.0.0.1', { host: 'hive.example' }],
    ['no name', '127.0.0.1', {}],
    ['a name that only begins like loopback', '127.0.0.1', { host: '127.0.0.1.evil.example' }],
    ['a proxy on this machine', '127.0.0.1', { host: '127.0.0.1:4000', 'x-forwarded-for': '203.0.113.9' }],
    [
      'a proxy that names only the host',
      '127.0.0.1',
      { host: 'localhost', 'x-forwarded-host': 'hive.example' },
    ],
    ['a proxy of the newer kind', '127.0.0.1', { host: 'localhost', forwarded: 'for=203.0.113.9' }],
    ['a proxy of another kind', '127.0.0.1', { host: 'localhost', 'x-real-ip': '203.0.113.9' }],
    ['a tunnel that says so', '127.0.0.1', { host: 'localhost', via: '1.1 tunnel' }],
    [
      'a tunnel with a name of its own',
      '127.0.0.1',
      { host: 'localhost', 'cf-connecting-ip': '203.0.113.9' },
    ],
  ])('is not %s, trusted or not', (_, peer, headers) => {
    expect(clientFrom(peer, headers).isLocal).toBe(false);
    expect(clientFrom(peer, headers, ['127.0.0.1']).isLocal).toBe(false);
  });

  // nginx as it comes: the name is that of the server behind it, and nothing tells of the client.
  const bare = { headers: { host: '127.0.0.1:4000' }, socket: { remoteAddress: '127.0.0.1' } as never };

  it('is nobody when the hive is reached elsewhere, since a proxy may stand between', () => {
    expect(clientOf(bare, { trustedProxies: [], publicUrl: 'https://hive.example' }).isLocal).toBe(false);
    expect(clientOf(bare, { trustedProxies: [], publicUrl: 'http://127.0.0.1:4000' }).isLocal).toBe(true);
  });

  it('is not what speaks HTTP/1.0, as proxies do', () => {
    expect(clientOf({ ...bare, httpVersion: '1.0' }, { trustedProxies: [] }).isLocal).toBe(false);
    expect(clientOf({ ...bare, httpVersion: '1.1' }, { trustedProxies: [] }).isLocal).toBe(true);
  });
});

describe('the address behind proxies', () => {
  const forwarded = (header: string) => ({ host: 'hive.example', 'x-forwarded-for': header });

  test('is the peer when nobody is trusted, whatever the headers say', () => {
    const client = clientFrom('203.0.113.5', {
      ...forwarded('10.1.1.1'),
      'x-forwarded-proto': 'https',
      'x-forwarded-host': 'evil.example',
    });
    expect(client).toMatchObject({ address: '203.0.113.5', scheme: 'http', host: 'hive.example' });
  });

  test.each([
    ['the one the proxy adds', '203.0.113.9', '203.0.113.9'],
    [
      'the rightmost that is no proxy: what is left of it is its own word',
      '127.0.0.1, 203.0.113.9, 10.0.0.2',
      '203.0.113.9',
    ],
    ['the proxy itself behind what is no address', 'unknown', '10.0.0.1'],
    ['the last known before what is no address', 'evil"><script>, 10.0.0.7', '10.0.0.7'],
    ['without its port', '203.0.113.9:1234', '203.0.113.9'],
    ['an IPv6 one in brackets', '[2001:db8::1]:1234', '2001:db8::1'],
    ['an IPv4 one in IPv6 clothes', '::ffff:203.0.113.9', '203.0.113.9'],
    ['the leftmost when all are proxies', '10.0.0.3, 10.0.0.2', '10.0.0.3'],
    ['the proxy itself when it says nothing', '', '10.0.0.1'],
  ])('is %s', (_, header, address) => {
    expect(clientFrom('10.0.0.1', forwarded(header), ['10.0.0.0/8']).address).toBe(address);
  });

  test('scheme and host are those a trusted proxy names', () => {
    const headers = { host: 'server:4000', 'x-forwarded-proto': 'https', 'x-forwarded-host': 'hive.example' };
    expect(clientFrom('::ffff:10.0.0.1', headers, ['10.0.0.1'])).toMatchObject({
      baseUrl: 'https://hive.example',
      scheme: 'https',
    });
    expect(clientFrom('10.0.0.1', { ...headers, 'x-forwarded-proto': 'gopher' }, ['10.0.0.1']).scheme).toBe(
      'http',
    );
  });
});

test('a connection with TLS is https', () => {
  expect(clientFrom('192.168.1.7', { host: 'hive.example' }, [], true).baseUrl).toBe('https://hive.example');
});

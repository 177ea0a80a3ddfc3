import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpFetch, type HttpFetchOptions } from '../../server/src/tools/http-fetch.ts';
import { isPublicAddress } from '../../server/src/tools/public-address.ts';
import { createToolRegistry, type ToolResult } from '../../server/src/tools/tool.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function fetchTool(url: string, options: HttpFetchOptions = {}): Promise<ToolResult> {
  const { signal } = new AbortController();
  const registry = createToolRegistry([createHttpFetch({ timeoutMs: 3_000, ...options })]);
  return registry.call(
    'http.fetch',
    { url },
    { workspaceId: 'w', project: undefined, signal, note: () => undefined },
  );
}

/** The port stands for a public server; whatever else is on this machine is as private as it is. */
const seeming = (
  port: number,
  resolve: HttpFetchOptions['resolve'] = async () => ['127.0.0.1'],
): HttpFetchOptions => ({
  resolve: resolve!,
  isAllowed: (address, asked) => (asked === port && address === '127.0.0.1') || isPublicAddress(address),
});

/** Ways to write a place that is not on the internet. */
const inside = [
  'http://127.0.0.1/',
  'http://2130706433/',
  'http://0x7f000001/',
  'http://0x7f.1/',
  'http://017700000001/',
  'http://0177.0.0.01/',
  'http://127.1/',
  'http://127.0.1/',
  'http://0/',
  'http://0.0.0.0/',
  'http://①②⑦.⓪.⓪.①/',
  'http://127。0。0。1/',
  'http://127.0.0.1./',
  'http://%31%32%37.0.0.1/',
  'http://[::]/',
  'http://[::1]/',
  'http://[0:0:0:0:0:0:0:1]/',
  'http://[::ffff:127.0.0.1]/',
  'http://[::ffff:7f00:1]/',
  'http://[::127.0.0.1]/',
  'http://[64:ff9b::7f00:1]/',
  'http://[64:ff9b::127.0.0.1]/',
  'http://[64:ff9b:1::7f00:1]/',
  'http://[2002:7f00:1::]/',
  'http://[fe80::1]/',
  'http://[fe80::1%25eth0]/',
  'http://[fd00:ec2::254]/',
  'http://[ff02::1]/',
  'http://169.254.169.254/latest/meta-data/iam/',
  'http://2852039166/',
  'http://0xa9fea9fe/',
  'http://[::ffff:a9fe:a9fe]/',
  'http://100.100.100.200/',
  'http://10.0.0.1/',
  'http://172.16.0.1/',
  'http://192.168.1.1/',
  'http://localhost/',
  'http://LOCALHOST/',
  'http://sub.localhost/',
  'http://metadata.google.internal/',
  'http://router.home.arpa/',
  'http://example.com@127.0.0.1/',
  'http://example.com:80@127.0.0.1/',
  'http://127.0.0.1\\@example.com/',
  'http://127.0.0.1#@example.com/',
  'http://127.0.0.1?@example.com/',
  'http:127.0.0.1/',
  'http:///127.0.0.1/',
  'https://user:password@example.com/',
  'file:///etc/passwd',
  'file://localhost/etc/passwd',
  'ftp://127.0.0.1/',
  'gopher://127.0.0.1:6379/_INFO',
  'dict://127.0.0.1:6379/INFO',
  'data:text/plain,hello',
  'javascript:alert(1)',
  'blob:http://127.0.0.1/x',
  'unix:/var/run/docker.sock',
  'ws://127.0.0.1/',
  'jar:http://127.0.0.1!/',
];
const refusals = expect.stringMatching(/^(FORBIDDEN|VALIDATION|NOT_FOUND)$/);

describe('an agent that fetches', () => {
  test.each(inside)('does not get %s', async (url) => {
    // Whoever asks for a name gets this answer, so that none of them depends on the network of the tests.
    const result = await fetchTool(url, { resolve: async () => ['127.0.0.1'] });
    expect(result).toMatchObject({ ok: false, code: refusals });
  });

  test.each(inside.filter((url) => !/^(http:127|http:\/\/\/127)/.test(url)))(
    'is not led to %s by a redirect',
    async (url) => {
      const reached: string[] = [];
      const port = await serve((request, response) => {
        reached.push(request.url ?? '');
        response
          .writeHead(302, {
            location: encodeURI(decodeURI(url.replaceAll('%25', '%2525').replaceAll('%3', '%253'))),
          })
          .end();
      });
      const result = await fetchTool(
        `http://public.test:${port}/`,
        seeming(port, async (name) => [name === 'public.test' ? '127.0.0.1' : '10.0.0.1']),
      );
      expect(result).toMatchObject({ ok: false });
      expect(JSON.stringify(result)).toMatch(/FORBIDDEN|VALIDATION|NOT_FOUND/);
      expect(reached).toEqual(['/']);
    },
  );

  test('does not follow a name that turns to a private address between the check and the connection', async () => {
    let asked = 0;
    const port = await serve((_, response) =>
      response.writeHead(200, { 'content-type': 'text/plain' }).end('public'),
    );
    const rebinding = async () => [(asked += 1) === 1 ? '127.0.0.1' : '127.0.0.2'];
    const result = await fetchTool(`http://rebind.test:${port}/`, seeming(port, rebinding));
    expect(result).toMatchObject({ ok: true });
    expect(asked).toBe(1);
  });

  test('nor one that turns between two redirects', async () => {
    const reached: string[] = [];
    const port = await serve((request, response) => {
      reached.push(request.url!);
      response.writeHead(302, { location: `http://rebind.test:${port}/secret` }).end();
    });
    let asked = 0;
    const rebinding = async () => [(asked += 1) === 1 ? '127.0.0.1' : '127.0.0.2'];
    expect(await fetchTool(`http://rebind.test:${port}/`, seeming(port, rebinding))).toMatchObject({
      ...{ ok: false, code: 'FORBIDDEN' },
    });
    expect(reached).toEqual(['/']);
  });

  test.each([
    [['93.184.216.34', '127.0.0.1']],
    [['127.0.0.1', '93.184.216.34']],
    [['2606:4700::1111', '::1']],
    [['::ffff:10.0.0.1']],
    [['not an address']],
    [[]],
  ])('trusts no name that is at %j', async (addresses) => {
    const result = await fetchTool('http://mixed.test/', { resolve: async () => addresses });
    expect(result).toMatchObject({ ok: false, code: refusals });
  });

  test('takes no other way round: relative, without a scheme, or over and over', async () => {
    for (const location of ['//127.0.0.2/', '//127.0.0.2:80/', '/\\127.0.0.2/', '\\\\127.0.0.2\\']) {
      const reached: string[] = [];
      const port = await serve((request, response) => {
        reached.push(request.headers.host ?? '');
        response.writeHead(302, { location }).end();
      });
      expect(await fetchTool(`http://public.test:${port}/`, seeming(port))).toMatchObject({ ok: false });
      expect(reached.every((host) => host.startsWith('public.test'))).toBe(true);
    }
  });

  test('sends nothing that the hive knows', async () => {
    let sent: Record<string, unknown> = {};
    const port = await serve((request, response) => {
      sent = request.headers;
      response.writeHead(200, { 'content-type': 'text/plain' }).end('ok');
    });
    await fetchTool(`http://public.test:${port}/`, seeming(port));
    expect(Object.keys(sent).sort()).toEqual([
      'accept',
      'accept-encoding',
      'connection',
      'host',
      'user-agent',
    ]);
  });
});

import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createHttpFetch, type HttpFetchOptions } from './http-fetch.ts';
import { isPublicAddress } from './public-address.ts';
import { createToolRegistry, type ToolResult } from './tool.ts';

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

function fetchTool(
  url: string,
  options: HttpFetchOptions = {},
  signal = new AbortController().signal,
): Promise<ToolResult> {
  const registry = createToolRegistry([createHttpFetch(options)]);
  return registry.call(
    'http.fetch',
    { url },
    { workspaceId: 'w', project: undefined, signal, note: () => undefined },
  );
}

/** example.test is at 127.0.0.1, and that one port there is allowed. */
function local(port: number): HttpFetchOptions {
  return {
    resolve: () => Promise.resolve(['127.0.0.1']),
    isAllowed: (address, asked) => asked === port || isPublicAddress(address),
  };
}

describe('http.fetch refuses', () => {
  it.each([
    ['http://127.0.0.1/', 'FORBIDDEN'],
    ['http://2130706433/', 'FORBIDDEN'],
    ['http://0177.0.0.1/', 'FORBIDDEN'],
    ['http://0x7f.0.0.1/', 'FORBIDDEN'],
    ['http://0x7f000001/', 'FORBIDDEN'],
    ['http://127.1/', 'FORBIDDEN'],
    ['http://169.254.169.254/latest/meta-data', 'FORBIDDEN'],
    ['http://[::1]/', 'FORBIDDEN'],
    ['http://[::ffff:127.0.0.1]/', 'FORBIDDEN'],
    ['http://[64:ff9b::7f00:1]/', 'FORBIDDEN'],
    ['http://localhost/', 'FORBIDDEN'],
    ['http://localhost./', 'FORBIDDEN'],
    ['http://printer.local/', 'FORBIDDEN'],
    ['http://metadata.google.internal/', 'FORBIDDEN'],
    ['http://user:secret@example.com/', 'FORBIDDEN'],
    ['ftp://example.com/', 'FORBIDDEN'],
    ['file:///etc/passwd', 'FORBIDDEN'],
    ['gopher://example.com/', 'FORBIDDEN'],
    ['not a url', 'VALIDATION'],
    ['', 'VALIDATION'],
  ])('%s', async (url, code) => {
    expect(await fetchTool(url)).toMatchObject({ ok: false, code });
  });

  it('a name of which one address is private', async () => {
    const result = await fetchTool('http://example.test/', {
      resolve: () => Promise.resolve(['93.184.216.34', '10.0.0.1']),
    });
    expect(result).toMatchObject({
      ok: false,
      code: 'FORBIDDEN',
      message: expect.stringContaining('10.0.0.1'),
    });
  });

  it('a redirect into the private network', async () => {
    const port = await serve((_, response) =>
      response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    );
    expect(await fetchTool(`http://example.test:${port}/`, local(port))).toMatchObject({
      ok: false,
      code: 'FORBIDDEN',
    });
  });

  it('a redirect to another scheme', async () => {
    const port = await serve((_, response) =>
      response.writeHead(301, { location: 'file:///etc/passwd' }).end(),
    );
    expect(await fetchTool(`http://example.test:${port}/`, local(port))).toMatchObject({
      ok: false,
      code: 'FORBIDDEN',
    });
  });

  it('a sixth redirect', async () => {
    const port = await serve((_, response) => response.writeHead(302, { location: '/again' }).end());
    expect(await fetchTool(`http://example.test:${port}/`, local(port))).toMatchObject({
      ok: false,
      code: 'LIMIT_EXCEEDED',
    });
  });

  it('more than the size limit, announced or not', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/announced') response.setHeader('content-length', 5_000);
      response.setHeader('content-type', 'text/plain');
      response.end('x'.repeat(5_000));
    });
    for (const path of ['/announced', '/streamed']) {
      const result = await fetchTool(`http://example.test:${port}${path}`, {
        ...local(port),
        maxBytes: 1_000,
      });
      expect(result).toMatchObject({ ok: false, code: 'LIMIT_EXCEEDED' });
    }
  });

  it('an answer that takes too long', async () => {
    const port = await serve(
      (_, response) => void response.writeHead(200, { 'content-type': 'text/plain' }).write('slow'),
    );
    expect(await fetchTool(`http://example.test:${port}/`, { ...local(port), timeoutMs: 80 })).toMatchObject({
      ok: false,
      code: 'TIMEOUT',
    });
  });

  it('what is no text', async () => {
    const port = await serve((_, response) =>
      response.writeHead(200, { 'content-type': 'image/png' }).end('x'),
    );
    expect(await fetchTool(`http://example.test:${port}/`, local(port))).toMatchObject({
      ok: false,
      code: 'VALIDATION',
    });
  });
});

describe('http.fetch', () => {
  it('connects to the address it checked, not to what the name says a moment later', async () => {
    const port = await serve((request, response) =>
      response.writeHead(200, { 'content-type': 'text/plain' }).end(`you asked ${request.headers.host}`),
    );
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    const resolve = vi.fn(() => Promise.resolve(answers.shift() ?? ['10.0.0.2']));
    const result = await fetchTool(`http://rebind.test:${port}/`, { ...local(port), resolve });
    expect(result).toMatchObject({
      ok: true,
      output: { status: 200, text: `you asked rebind.test:${port}` },
    });
    expect(resolve).toHaveBeenCalledTimes(1);
  });

  it('looks the name up again on each redirect', async () => {
    const port = await serve((_, response) => response.writeHead(302, { location: '/next' }).end());
    const answers = [['127.0.0.1'], ['10.0.0.1']];
    const resolve = () => Promise.resolve(answers.shift() ?? []);
    const isAllowed = (address: string) => address === '127.0.0.1';
    expect(await fetchTool(`http://rebind.test:${port}/`, { resolve, isAllowed })).toMatchObject({
      ok: false,
      code: 'FORBIDDEN',
    });
  });

  it('follows redirects and turns a page into text', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/') response.writeHead(307, { location: '/page' }).end();
      else
        response
          .writeHead(200, { 'content-type': 'text/html; charset=utf-8' })
          .end('<head><title>no</title></head><h1>Hi &amp; you</h1><script>bad()</script><p>Text</p>');
    });
    const result = await fetchTool(`http://example.test:${port}/`, local(port));
    expect(result).toMatchObject({
      ok: true,
      output: { url: `http://example.test:${port}/page`, text: '# Hi & you\n\nText' },
    });
  });

  it('passes the caller’s abort on', async () => {
    const port = await serve(() => undefined);
    const stop = new AbortController();
    const waiting = fetchTool(`http://example.test:${port}/`, local(port), stop.signal);
    setTimeout(() => stop.abort(new Error('canceled')), 30);
    await expect(waiting).rejects.toThrow('canceled');
  });
});

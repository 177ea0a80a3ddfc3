import { createServer, type RequestListener, type Server, type ServerOptions } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { Socket } from 'node:net';
import { isLoopbackHost, type HiveConfig } from '../config/schema.ts';
import type { Logger } from '../lib/log.ts';
import { clientOf } from './client-of.ts';
import { refuseForeign } from './request-guard.ts';
import { send, sendError, setCommonHeaders } from './respond.ts';
import { followTlsFiles, readTlsFiles, type TlsFiles } from './tls-files.ts';

export type ListenerConfig = Pick<
  HiveConfig['server'],
  'host' | 'port' | 'allowedHosts' | 'publicUrl' | 'tlsCert' | 'tlsKey' | 'trustedProxies'
>;

export interface ListenerOptions {
  config: ListenerConfig;
  version: string;
  log: Pick<Logger, 'info' | 'warn'>;
}

/** The port, held from the first moment of a start. */
export interface Listener {
  server: Server | TlsServer;
  port: number;
  /** On this machine; loopback when every address is listened on. */
  url: string;
  /** Ends the time of starting: from now on the caller answers. */
  takeOver(answer: RequestListener): void;
  close(): Promise<void>;
}

const timeouts: ServerOptions = {
  requestTimeout: 30_000,
  headersTimeout: 10_000,
  keepAliveTimeout: 60_000,
  // How often the first two are looked at; by default so rarely that a slow sender gets four times its time.
  connectionsCheckingInterval: 2_000,
  // Browsers send far less; a cookie and a token fit many times.
  maxHeaderSize: 16_384,
};

/**
 * Takes the port before anything else is ready, so that a probe is told "starting" instead of being refused, and a taken
 * port is known at once. Until `takeOver`, everything is answered with 503.
 * @throws Error naming HIVE_PORT when the port is taken, or the TLS setting that is wrong
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { config, log } = options;
  const { host, port: wanted } = config;
  const files = tlsFilesOf(config);
  const server = files ? createSecure(files, log) : createServer(timeouts);
  const unheard = files ? tellPlainHttp(server as TlsServer) : new Set<Socket>();
  const answerStarting: RequestListener = (request, response) => {
    const client = clientOf(request, config);
    setCommonHeaders(response, client);
    response.setHeader('retry-after', '1');
    const refusal = refuseForeign(request.headers, client, { port: portOf(server), config });
    if (refusal) return sendError(response, refusal.status, 'FORBIDDEN', refusal.message);
    const path = (request.url ?? '/').split('?', 1)[0];
    if (path === '/health/live')
      return send(response, 200, 'application/json; charset=utf-8', '{"status":"UP"}');
    if (path !== '/health')
      return sendError(response, 503, 'UNAVAILABLE', 'The server is starting. Try again in a moment.');
    const body = JSON.stringify({ status: 'STARTING', version: options.version, checks: [] });
    return send(response, 503, 'application/json; charset=utf-8', body);
  };
  server.on('request', answerStarting);
  await listen(server, host, wanted);
  const port = portOf(server);
  const stopFollowing = files ? followTlsFiles(files, server as TlsServer, log) : () => {};
  return {
    server,
    port,
    url: `${files ? 'https' : 'http'}://${urlHost(host)}:${port}`,
    takeOver(answer) {
      server.off('request', answerStarting);
      server.on('request', answer);
    },
    close() {
      stopFollowing();
      if (!server.listening) return Promise.resolve();
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      for (const socket of unheard) socket.destroy();
      return ended;
    },
  };
}

/** An address as it stands in a URL; of "every address" the one that always works from here. */
function urlHost(host: string): string {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (bare === '0.0.0.0') return '127.0.0.1';
  if (bare === '::') return '127.0.0.1';
  return bare.includes(':') ? `[${bare}]` : bare;
}

function tlsFilesOf({ tlsCert, tlsKey }: ListenerConfig): TlsFiles | undefined {
  return tlsCert !== undefined && tlsKey !== undefined ? { cert: tlsCert, key: tlsKey } : undefined;
}

function createSecure(files: TlsFiles, log: Pick<Logger, 'warn'>): TlsServer {
  const { validTo, ...context } = readTlsFiles(files);
  if (validTo.getTime() < Date.now())
    log.warn(
      { validTo, certificate: files.cert },
      'the TLS certificate has expired: browsers will refuse it',
    );
  return createTlsServer({ ...timeouts, ...context, handshakeTimeout: 10_000 });
}

/** First byte of a TLS record that opens a handshake. */
const handshake = 0x16;

/**
 * Who types the address without https gets a reset connection from a TLS server, which explains nothing. The first byte
 * tells the two apart: plain HTTP is told what to use, anything else goes on as if it had not been looked at.
 * @returns the connections that said nothing yet
 */
function tellPlainHttp(server: TlsServer): Set<Socket> {
  const unheard = new Set<Socket>();
  const [accept] = server.listeners('connection') as ((socket: Socket) => void)[];
  if (!accept) return unheard;
  server.removeListener('connection', accept);
  server.on('connection', (socket: Socket) => {
    unheard.add(socket);
    socket.once('close', () => unheard.delete(socket));
    socket.setTimeout(10_000, () => socket.destroy());
    socket.on('error', () => {});
    socket.once('data', (first: Buffer) => {
      unheard.delete(socket);
      socket.setTimeout(0);
      socket.removeAllListeners('timeout');
      if (first[0] !== handshake) {
        socket.end(plainAnswer);
        return;
      }
      socket.pause();
      socket.unshift(first);
      accept.call(server, socket);
    });
  });
  return unheard;
}

const plainText = 'This port speaks HTTPS: open it with https:// in front.\n';
const plainAnswer = `HTTP/1.1 400 Bad Request\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${plainText.length}\r\nconnection: close\r\n\r\n${plainText}`;

function portOf(server: Server | TlsServer): number {
  const address = server.address();
  return address && typeof address === 'object' ? address.port : 0;
}

function listen(server: Server | TlsServer, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE'
          ? `Port ${port} on ${host} is taken by another program. Set HIVE_PORT to a free one.`
          : error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND'
            ? `HIVE_HOST is ${host}, which is no address of this machine. Use 127.0.0.1, 0.0.0.0, or one it has.`
            : `Cannot listen on ${host}:${port}: ${error.message}`;
      reject(new Error(reason, { cause: error }));
    });
    server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port }, resolve);
  });
}

/** Whether programs on other machines can reach a server that listens there. */
export function isReachableFromOutside(host: string): boolean {
  return !isLoopbackHost(host);
}

import { createServer, type RequestListener, type Server } from 'node:http';
import type { HiveConfig } from '../config/schema.ts';
import { refuseForeign } from './request-guard.ts';
import { commonHeaders, send, sendError } from './respond.ts';

export interface ListenerOptions {
  config: Pick<HiveConfig['server'], 'host' | 'port' | 'allowedHosts'>;
  version: string;
}

/** The port, held from the first moment of a start. */
export interface Listener {
  server: Server;
  port: number;
  url: string;
  /** Ends the time of starting: from now on the caller answers. */
  takeOver(answer: RequestListener): void;
  close(): Promise<void>;
}

/**
 * Takes the port before anything else is ready, so that a probe is told "starting" instead of being refused, and a taken
 * port is known at once. Until `takeOver`, everything is answered with 503.
 * @throws Error naming HIVE_PORT when the port is taken
 */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { host, port: wanted, allowedHosts } = options.config;
  const server = createServer({
    requestTimeout: 30_000,
    headersTimeout: 10_000,
    keepAliveTimeout: 60_000,
    // How often the first two are looked at; by default so rarely that a slow sender gets four times its time.
    connectionsCheckingInterval: 2_000,
  });
  const answerStarting: RequestListener = (request, response) => {
    for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value);
    response.setHeader('retry-after', '1');
    const refusal = refuseForeign(request.headers, { port: portOf(server), allowedHosts });
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
  return {
    server,
    port,
    url: `http://${host.includes(':') && !host.startsWith('[') ? `[${host}]` : host}:${port}`,
    takeOver(answer) {
      server.off('request', answerStarting);
      server.on('request', answer);
    },
    close() {
      if (!server.listening) return Promise.resolve();
      const ended = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      return ended;
    },
  };
}

function portOf(server: Server): number {
  const address = server.address();
  return address && typeof address === 'object' ? address.port : 0;
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const reason =
        error.code === 'EADDRINUSE'
          ? `Port ${port} on ${host} is taken by another program. Set HIVE_PORT to a free one.`
          : `Cannot listen on ${host}:${port}: ${error.message}`;
      reject(new Error(reason, { cause: error }));
    });
    server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port }, resolve);
  });
}

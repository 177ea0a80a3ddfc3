import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HiveConfig } from '../config/schema.ts';
import type { GraphQLDeps } from '../graphql/context.ts';
import { printedSchema } from '../graphql/schema.ts';
import { messageOf } from '../lib/errors.ts';
import { createPipeline, answerGraphQL } from './graphql-http.ts';
import { createGraphQLSockets, type SocketOptions } from './graphql-sockets.ts';
import { sendGraphiQL, wantsGraphiQL } from './graphiql.ts';
import { createMetrics } from './metrics.ts';
import { refuseForeign } from './request-guard.ts';
import { commonHeaders, send, sendError } from './respond.ts';
import { createStaticApp } from './static-app.ts';

export interface HttpDeps {
  config: Pick<HiveConfig['server'], 'host' | 'port' | 'allowedHosts'>;
  /** The built phone app. */
  appFolder: string;
  graphql: GraphQLDeps;
  /** False until everything behind the API runs. Default: always true. */
  isReady?: () => boolean;
  sockets?: Omit<SocketOptions, 'yoga' | 'log'>;
}

export interface HttpServer {
  port: number;
  url: string;
  /** Not ready any more: no new work, WebSockets are told to come back, requests under way are answered. */
  drain(): Promise<void>;
  /** Cuts what is still open. */
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/**
 * One port for everything: API, playground, SDL, health, metrics and the phone app.
 * @throws Error naming HIVE_PORT when the port is taken
 */
export async function startHttp(deps: HttpDeps): Promise<HttpServer> {
  const { graphql, config } = deps;
  const { log, health } = graphql;
  const isReady = deps.isReady ?? (() => true);
  let draining = false;

  const yoga = createPipeline(graphql);
  const sockets = createGraphQLSockets({
    ...deps.sockets,
    yoga,
    log,
    onSlowConsumer: () => metrics.countSlowConsumer(),
  });
  const metrics = createMetrics({
    health,
    sockets: () => sockets.size,
    sharedSubscriptions: () => sockets.sharedSize,
  });
  const app = createStaticApp(deps.appFolder);
  const sdl = printedSchema();

  const answerHealth: Handler = (_request, response) => {
    const report = health.report();
    const ready =
      !draining &&
      isReady() &&
      report.checks.every((check) => check.name !== 'database' || check.status !== 'DOWN') &&
      report.checks.length > 0;
    const status = draining ? 'DRAINING' : isReady() ? report.status : 'STARTING';
    send(
      response,
      ready ? 200 : 503,
      'application/json; charset=utf-8',
      JSON.stringify({
        status,
        version: report.version,
        startedAt: report.startedAt,
        at: report.at,
        checks: report.checks,
      }),
    );
  };
  const routes: Readonly<Record<string, Handler>> = {
    '/graphql': (request, response) => {
      if (wantsGraphiQL(request)) return sendGraphiQL(request, response);
      if (draining)
        return sendError(response, 503, 'UNAVAILABLE', 'The server is restarting. Try again in a moment.');
      return answerGraphQL(yoga, request, response);
    },
    '/health': answerHealth,
    // The process runs and its event loop turns, whatever its dependencies do.
    '/health/live': (_request, response) =>
      send(response, 200, 'application/json; charset=utf-8', '{"status":"UP"}'),
    '/metrics': async (_request, response) =>
      send(response, 200, metrics.registry.contentType, await metrics.registry.metrics()),
    '/schema.graphql': (_request, response) => send(response, 200, 'text/plain; charset=utf-8', sdl),
  };

  const server = createServer({ requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 60_000 });
  const guard = () => ({ port: portOf(server), allowedHosts: config.allowedHosts });

  server.on('request', (request, response) => {
    const began = performance.now();
    const route = pathOf(request);
    for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value);
    response.once('close', () =>
      metrics.observeRequest(
        routes[route] ? route : 'app',
        response.statusCode,
        (performance.now() - began) / 1_000,
      ),
    );
    const refusal = refuseForeign(request.headers, guard());
    if (refusal) return sendError(response, refusal.status, 'FORBIDDEN', refusal.message);
    void answer(routes[route] ?? ((...both) => app.answer(...both)), request, response);
  });

  async function answer(handler: Handler, request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await handler(request, response);
    } catch (error) {
      // The client going away in the middle of its request is no error of ours.
      if (request.destroyed && !request.complete) return;
      log.error({ err: error, path: pathOf(request) }, `a request failed: ${messageOf(error)}`);
      if (!response.headersSent) sendError(response, 500, 'INTERNAL', 'Something went wrong on our side.');
      else response.destroy();
    }
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {});
    const refusal = refuseForeign(request.headers, guard());
    if (refusal) return refuseUpgrade(socket, refusal.status, refusal.message);
    if (pathOf(request) !== '/graphql')
      return refuseUpgrade(socket, 404, 'WebSockets are served at /graphql.');
    if (draining) return refuseUpgrade(socket, 503, 'The server is restarting.');
    sockets.upgrade(request, socket, head);
  });

  await listen(server, config.host, config.port);
  const port = portOf(server);
  let closed: Promise<void> | undefined;
  const stopListening = () => (closed ??= new Promise((resolve) => server.close(() => resolve())));
  return {
    port,
    url: `http://${config.host.includes(':') && !config.host.startsWith('[') ? `[${config.host}]` : config.host}:${port}`,
    async drain() {
      draining = true;
      sockets.drain();
      server.closeIdleConnections();
      await stopListening();
    },
    async close() {
      draining = true;
      sockets.terminate();
      const ended = stopListening();
      server.closeAllConnections();
      await ended;
    },
  };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

function portOf(server: Server): number {
  const address = server.address();
  return address && typeof address === 'object' ? address.port : 0;
}

function refuseUpgrade(socket: Duplex, status: number, message: string): void {
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(message)}\r\nconnection: close\r\n\r\n${message}`,
  );
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

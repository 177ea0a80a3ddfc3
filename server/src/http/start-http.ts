import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HiveConfig } from '../config/schema.ts';
import type { GraphQLDeps } from '../graphql/context.ts';
import { printedSchema } from '../graphql/schema.ts';
import { messageOf } from '../lib/errors.ts';
import { createPipeline, answerGraphQL } from './graphql-http.ts';
import { createGraphQLSockets, type SocketOptions } from './graphql-sockets.ts';
import { sendGraphiQL, wantsGraphiQL } from './graphiql.ts';
import type { Listener } from './listener.ts';
import { createMetrics } from './metrics.ts';
import { refuseForeign } from './request-guard.ts';
import { commonHeaders, isRead, send, sendError, sendMethodNotAllowed } from './respond.ts';
import { createStaticApp } from './static-app.ts';

export interface HttpDeps {
  listener: Listener;
  config: Pick<HiveConfig['server'], 'allowedHosts'>;
  /** The built phone app. */
  appFolder: string;
  graphql: GraphQLDeps;
  sockets?: Omit<SocketOptions, 'yoga' | 'log'>;
}

export interface HttpServer {
  port: number;
  url: string;
  /**
   * Not ready any more: no new work, WebSockets are told to come back. Resolves when the requests under way are answered.
   * `/health` goes on saying so until `close`.
   */
  drain(): Promise<void>;
  /** Cuts what is still open. */
  close(): Promise<void>;
}

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<void> | void;

/**
 * One port for everything: API, playground, SDL, health, metrics and the phone app. Everything behind it must be ready.
 */
export function startHttp(deps: HttpDeps): HttpServer {
  const { graphql, listener } = deps;
  const { server } = listener;
  const { log, health } = graphql;
  let draining = false;
  const underWay = new Set<ServerResponse>();
  let onAnswered = () => {};

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
      report.checks.every((check) => check.name !== 'database' || check.status !== 'DOWN') &&
      report.checks.length > 0;
    const status = draining ? 'DRAINING' : report.status;
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
    '/health': readOnly(answerHealth),
    // The process runs and its event loop turns, whatever its dependencies do.
    '/health/live': readOnly((_request, response) =>
      send(response, 200, 'application/json; charset=utf-8', '{"status":"UP"}'),
    ),
    '/metrics': readOnly(async (_request, response) =>
      send(response, 200, metrics.registry.contentType, await metrics.registry.metrics()),
    ),
    '/schema.graphql': readOnly((_request, response) =>
      send(response, 200, 'text/plain; charset=utf-8', sdl),
    ),
  };

  const guard = { port: listener.port, allowedHosts: deps.config.allowedHosts };

  listener.takeOver((request, response) => {
    const began = performance.now();
    const route = pathOf(request);
    underWay.add(response);
    if (draining) response.setHeader('connection', 'close');
    for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value);
    response.once('close', () => {
      underWay.delete(response);
      if (underWay.size === 0) onAnswered();
      const seconds = (performance.now() - began) / 1_000;
      metrics.observeRequest(routes[route] ? route : 'app', response.statusCode, seconds);
    });
    const refusal = refuseForeign(request.headers, guard);
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
    const refusal = refuseForeign(request.headers, guard);
    if (refusal) return refuseUpgrade(socket, refusal.status, refusal.message);
    if (pathOf(request) !== '/graphql')
      return refuseUpgrade(socket, 404, 'WebSockets are served at /graphql.');
    if (draining) return refuseUpgrade(socket, 503, 'The server is restarting.');
    sockets.upgrade(request, socket, head);
  });

  return {
    port: listener.port,
    url: listener.url,
    async drain() {
      draining = true;
      sockets.drain();
      server.closeIdleConnections();
      if (underWay.size > 0) await new Promise<void>((resolve) => (onAnswered = resolve));
    },
    async close() {
      draining = true;
      sockets.terminate();
      await listener.close();
    },
  };
}

function readOnly(handler: Handler): Handler {
  return (request, response) =>
    isRead(request) ? handler(request, response) : sendMethodNotAllowed(response);
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

function refuseUpgrade(socket: Duplex, status: number, message: string): void {
  socket.end(
    `HTTP/1.1 ${status} Refused\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(message)}\r\nconnection: close\r\n\r\n${message}`,
  );
}

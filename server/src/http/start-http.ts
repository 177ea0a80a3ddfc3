import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { HiveConfig } from '../config/schema.ts';
import type { Authenticator } from '../engines/security/principal.ts';
import type { RateLimiter } from '../engines/security/rate-limit.ts';
import type { GraphQLDeps } from '../graphql/context.ts';
import { readPersistedDocuments } from '../graphql/persisted-documents.ts';
import { systemClock } from '../lib/clock.ts';
import { messageOf } from '../lib/errors.ts';
import { createAccessGate, type Exchange } from './access-gate.ts';
import { AccessWatch, type AccessWatchOptions } from './access-watch.ts';
import { linkBaseOf } from './addresses.ts';
import { createAllowances, type RateSettings } from './allowance.ts';
import { createApiRoutes, type ApiRoutes, type IdentityHandler } from './api-routes.ts';
import { clientOf } from './client-of.ts';
import { createPipeline } from './graphql-http.ts';
import { createGraphQLSockets, type SocketOptions } from './graphql-sockets.ts';
import type { Listener } from './listener.ts';
import { createMetrics } from './metrics.ts';
import { refuseForeign, refuseTwoHosts } from './request-guard.ts';
import { sendError, setCommonHeaders } from './respond.ts';
import { createServerRoutes, type Handler } from './server-routes.ts';
import { createStaticApp } from './static-app.ts';

export interface HttpDeps {
  listener: Listener;
  config: Pick<HiveConfig['server'], 'host' | 'allowedHosts' | 'publicUrl' | 'trustedProxies'>;
  /** What holds now: the rates are asked for with each request, the rest once. */
  security: () => RateSettings &
    Pick<HiveConfig['security'], 'documents' | 'documentsFile' | 'introspection'>;
  /** The built phone app. */
  appFolder: string;
  graphql: GraphQLDeps;
  authenticator: Authenticator;
  limiter: RateLimiter;
  /** Serves /api/auth. */
  identity: IdentityHandler;
  /** More under /api, by method and path: `GET /api/audit/export`. Only for whoever is signed in. */
  routes?: ApiRoutes;
  sockets?: Pick<
    SocketOptions,
    'initTimeoutMs' | 'pingIntervalMs' | 'maxPayloadBytes' | 'maxBufferedBytes' | 'maxOperations'
  >;
  watch?: Pick<AccessWatchOptions, 'intervalMs' | 'patienceMs'>;
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

/**
 * One port for everything: API, playground, SDL, health, metrics and the phone app. Everything behind it must be ready.
 * @throws Error naming HIVE_DOCUMENTS_FILE when that cannot be read
 */
export function startHttp(deps: HttpDeps): HttpServer {
  const { graphql, listener, authenticator, config } = deps;
  const { server } = listener;
  const { log, health } = graphql;
  const { documents: policy, documentsFile, introspection } = deps.security();
  let draining = false;
  const underWay = new Set<ServerResponse>();
  let onAnswered = () => {};

  const documents = readPersistedDocuments(policy, documentsFile);
  const allowances = createAllowances(deps.limiter, deps.security);
  const gate = createAccessGate({ authenticator, allowances });
  const yoga = createPipeline(graphql, { introspection });
  const watch = new AccessWatch({ authenticator, clock: systemClock, log, ...deps.watch });
  const sockets = createGraphQLSockets({
    ...deps.sockets,
    ...{ yoga, documents, log, authenticator, allowances, watch },
    onSlowConsumer: () => metrics.countSlowConsumer(),
  });
  const metrics = createMetrics({
    health,
    sockets: () => sockets.size,
    sharedSubscriptions: () => sockets.sharedSize,
  });
  const app = createStaticApp(deps.appFolder);
  const api = createApiRoutes({ gate, authenticator, identity: deps.identity, routes: deps.routes ?? {} });
  const routes = createServerRoutes({
    ...{ gate, authenticator, yoga, documents, watch, health, introspection },
    metrics: metrics.registry,
    homeWorkspaceId: graphql.homeWorkspaceId,
    isDraining: () => draining,
  });
  const guard = { port: listener.port, config };

  function handlerOf(path: string): { label: string; handle: Handler } {
    const route = routes[path];
    if (route) return { label: path, handle: route };
    if (path.startsWith('/api/')) return { label: '/api', handle: api };
    // No guard: the app holds no data, and whoever is to sign in must be able to see where.
    return { label: 'app', handle: ({ request, response, client }) => app.answer(request, response, client) };
  }

  listener.takeOver((request, response) => {
    const began = performance.now();
    const client = clientOf(request, config);
    const requestId = randomUUID();
    const { label, handle } = handlerOf(pathOf(request));
    underWay.add(response);
    if (draining) response.setHeader('connection', 'close');
    setCommonHeaders(response, client);
    response.setHeader('x-request-id', requestId);
    response.once('close', () => {
      underWay.delete(response);
      if (underWay.size === 0) onAnswered();
      metrics.observeRequest(label, response.statusCode, (performance.now() - began) / 1_000);
    });
    const refusal = refuseTwoHosts(request) ?? refuseForeign(request.headers, client, guard);
    if (refusal) return sendError(response, refusal.status, 'FORBIDDEN', refusal.message);
    const linkBase = linkBaseOf(client, config, listener.url);
    void answer(handle, { request, response, client, requestId, linkBase });
  });

  async function answer(handle: Handler, exchange: Exchange): Promise<void> {
    const { request, response, requestId } = exchange;
    try {
      await handle(exchange);
    } catch (error) {
      // The client going away in the middle of its request is no error of ours.
      if (request.destroyed && !request.complete) return;
      log.error({ err: error, path: pathOf(request), requestId }, `a request failed: ${messageOf(error)}`);
      const message = `Something went wrong on our side. It is logged under the request id ${requestId}.`;
      if (!response.headersSent) sendError(response, 500, 'INTERNAL', message, { requestId });
      else response.destroy();
    }
  }

  async function upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const client = clientOf(request, config);
    const refusal = refuseTwoHosts(request) ?? refuseForeign(request.headers, client, guard);
    if (refusal) return refuseUpgrade(socket, refusal.status, refusal.message);
    if (pathOf(request) !== '/graphql')
      return refuseUpgrade(socket, 404, 'WebSockets are served at /graphql.');
    if (draining) return refuseUpgrade(socket, 503, 'The server is restarting.');
    const allowance = client.isLocal ? undefined : await allowances.ofConnection(client.address);
    if (allowance && !allowance.allowed) {
      const seconds = Math.max(1, Math.ceil(allowance.retryAfterMs / 1_000));
      return refuseUpgrade(socket, 429, 'Too many WebSockets from this address.', `retry-after: ${seconds}`);
    }
    if (socket.destroyed) return;
    sockets.upgrade(request, socket, head, { client, linkBase: linkBaseOf(client, config, listener.url) });
  }

  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => {});
    upgrade(request, socket, head).catch((error: unknown) => {
      log.error({ err: error }, `an upgrade failed: ${messageOf(error)}`);
      refuseUpgrade(socket, 500, 'Something went wrong on our side.');
    });
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
      await Promise.all([watch.stop(), listener.close()]);
    },
  };
}

function pathOf(request: IncomingMessage): string {
  return (request.url ?? '/').split('?', 1)[0] ?? '/';
}

function refuseUpgrade(socket: Duplex, status: number, message: string, header?: string): void {
  const lines = [
    `HTTP/1.1 ${status} Refused`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${Buffer.byteLength(message)}`,
    'connection: close',
    ...(header === undefined ? [] : [header]),
  ];
  socket.end(`${lines.join('\r\n')}\r\n\r\n${message}`);
}

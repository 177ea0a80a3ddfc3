import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Authenticator, Principal } from '../engines/security/principal.ts';
import { whyNobody, type AccessGate, type Exchange } from './access-gate.ts';
import { answerAuth } from './auth-http.ts';
import { refuseForgeable } from './request-guard.ts';
import { sendError } from './respond.ts';
import type { Handler } from './server-routes.ts';

export type IdentityHandler = Parameters<typeof answerAuth>[0];

/** A route under /api besides /api/auth. The request's body, if any, is still to be read. */
export type ApiRoute = (
  request: IncomingMessage,
  response: ServerResponse,
  facts: { principal: Principal; requestId: string; address: string; userAgent?: string },
) => Promise<void>;
/** By method and path, for example `GET /api/audit/export`. */
export type ApiRoutes = Readonly<Record<string, ApiRoute>>;

interface ApiRouteDeps {
  gate: AccessGate;
  authenticator: Authenticator;
  identity: IdentityHandler;
  routes: ApiRoutes;
}

const authPrefix = '/api/auth/';
const maxBodyBytes = 1_048_576;

/** What the setup page needs while nobody owns the hive; the setup itself asks for its token. */
const openBeforeOwner = /^(GET \/api\/auth\/hive\/status|POST \/api\/auth\/hive\/setup(\/[a-z-]+)?)$/;

/** Everything under /api: JSON, and no form can send it. */
export function createApiRoutes(deps: ApiRouteDeps): Handler {
  const { gate, routes } = deps;
  return async (exchange) => {
    const { request, response } = exchange;
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const refusal = hasBody(request) ? refuseForgeable(request.headers) : undefined;
    if (refusal) return sendError(response, refusal.status, 'FORBIDDEN', refusal.message);
    if (Number(request.headers['content-length'] ?? 0) > maxBodyBytes)
      return sendError(response, 413, 'LIMIT_EXCEEDED', `The body is larger than ${maxBodyBytes} bytes.`);
    if (path.startsWith(authPrefix)) return answerAuthRoute(deps, exchange, `${request.method} ${path}`);
    const principal = await gate.admit(exchange);
    if (!principal) return;
    const route = routes[`${request.method} ${path}`];
    if (!route) return refuseUnknown(exchange, path, routes);
    const userAgent = request.headers['user-agent'];
    await route(request, response, {
      principal,
      requestId: exchange.requestId,
      address: exchange.client.address,
      ...(userAgent === undefined ? {} : { userAgent }),
    });
  };
}

async function answerAuthRoute(deps: ApiRouteDeps, exchange: Exchange, route: string): Promise<void> {
  const { request, response, client } = exchange;
  const { principal, answered } = await deps.gate.recognise(exchange);
  if (answered) return;
  const isOpen = principal !== undefined || client.isLocal || openBeforeOwner.test(route);
  if (!isOpen && !(await deps.authenticator.hasOwner())) {
    response.setHeader('www-authenticate', 'Bearer');
    return sendError(response, 401, 'UNAUTHENTICATED', await whyNobody(deps.authenticator));
  }
  const { address, isLocal, baseUrl } = client;
  await answerAuth(deps.identity, request, response, { address, isLocal, baseUrl });
}

function refuseUnknown({ request, response }: Exchange, path: string, routes: ApiRoutes): void {
  const methods = Object.keys(routes).flatMap((route) =>
    route.endsWith(` ${path}`) ? [route.slice(0, -path.length - 1)] : [],
  );
  if (methods.length === 0) return sendError(response, 404, 'NOT_FOUND', 'There is nothing here.');
  response.setHeader('allow', methods.join(', '));
  sendError(response, 405, 'VALIDATION', `${request.method} is not allowed here; use ${methods.join(', ')}.`);
}

function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0;
}

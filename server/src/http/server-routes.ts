import type { Registry } from 'prom-client';
import type { HealthSource } from '../engines/monitoring/health.ts';
import { decide } from '../engines/security/decide.ts';
import type { Authenticator } from '../engines/security/principal.ts';
import type { PersistedDocuments } from '../graphql/persisted-documents.ts';
import { printedSchema } from '../graphql/schema.ts';
import { whyNobody, type AccessGate, type Exchange } from './access-gate.ts';
import type { AccessWatch } from './access-watch.ts';
import { sendGraphiQL, sendPlaygroundRefusal, wantsGraphiQL } from './graphiql.ts';
import { answerGraphQL, type Yoga } from './graphql-http.ts';
import { isRead, send, sendError, sendMethodNotAllowed } from './respond.ts';

export type Handler = (exchange: Exchange) => Promise<void> | void;

interface ServerRouteDeps {
  gate: AccessGate;
  authenticator: Authenticator;
  yoga: Yoga;
  documents: PersistedDocuments;
  watch: Pick<AccessWatch, 'add'>;
  health: HealthSource;
  introspection: 'on' | 'off';
  metrics: Registry;
  /** The hive's first workspace, whose admins see what is about the hive as a whole. */
  homeWorkspaceId: string;
  isDraining: () => boolean;
}

const json = 'application/json; charset=utf-8';
const introspectionOff = 'Introspection is off here (HIVE_INTROSPECTION=off).';

/** The server's own pages, each with what it asks for before it answers. */
export function createServerRoutes(deps: ServerRouteDeps): Readonly<Record<string, Handler>> {
  const { gate, metrics } = deps;
  const sdl = printedSchema();
  return {
    '/graphql': async (exchange) => {
      if (wantsGraphiQL(exchange.request)) return answerPlayground(deps, exchange);
      if (deps.isDraining())
        return sendError(
          exchange.response,
          503,
          'UNAVAILABLE',
          'The server is restarting. Try again in a moment.',
        );
      const principal = await gate.admit(exchange);
      if (principal) await answerGraphQL(deps, exchange, principal);
    },
    '/health': readOnly((exchange) => answerHealth(deps, exchange)),
    // The process runs and its event loop turns, whatever its dependencies do.
    '/health/live': readOnly(({ response }) => send(response, 200, json, '{"status":"UP"}')),
    '/metrics': readOnly(async (exchange) => {
      // Whoever collects them from the machine itself needs no key, also when there is an owner: they are numbers only.
      if (!exchange.client.isLocal && !(await gate.admitFor('metrics.read', exchange, deps.homeWorkspaceId)))
        return;
      send(exchange.response, 200, metrics.contentType, await metrics.metrics());
    }),
    '/schema.graphql': readOnly(async (exchange) => {
      if (!(await gate.admit(exchange))) return;
      if (deps.introspection === 'off')
        return sendError(exchange.response, 403, 'FORBIDDEN', introspectionOff);
      send(exchange.response, 200, 'text/plain; charset=utf-8', sdl);
    }),
  };
}

async function answerPlayground(deps: ServerRouteDeps, exchange: Exchange): Promise<void> {
  const { response, client } = exchange;
  const { principal, answered } = await deps.gate.recognise(exchange);
  if (answered) return;
  if (!principal) return sendPlaygroundRefusal(response, 401, await whyNobody(deps.authenticator));
  if (deps.introspection === 'off')
    return sendPlaygroundRefusal(response, 403, `${introspectionOff} The playground cannot work without it.`);
  if (deps.documents.policy === 'persisted')
    return sendPlaygroundRefusal(
      response,
      403,
      'Only persisted documents are executed here (HIVE_DOCUMENTS=persisted): the playground has nothing to offer.',
    );
  return sendGraphiQL(response, client.host);
}

/** Strangers learn whether it works; what it is made of is for the machine itself and for whoever may read it. */
async function answerHealth(
  { gate, health, isDraining }: ServerRouteDeps,
  exchange: Exchange,
): Promise<void> {
  const { response, client } = exchange;
  const report = health.report();
  const ready =
    !isDraining() &&
    report.checks.every((check) => check.name !== 'database' || check.status !== 'DOWN') &&
    report.checks.length > 0;
  const status = isDraining() ? 'DRAINING' : report.status;
  const principal = client.isLocal ? undefined : await gate.identify(exchange);
  const showsAll =
    client.isLocal ||
    (principal !== undefined &&
      decide(principal.actor, 'health.read', { workspaceId: principal.actor.workspaceId }).allowed);
  const { version, startedAt, at, checks } = report;
  const body = showsAll ? { status, version, startedAt, at, checks } : { status };
  send(response, ready ? 200 : 503, json, JSON.stringify(body));
}

function readOnly(handler: Handler): Handler {
  return (exchange) =>
    isRead(exchange.request) ? handler(exchange) : sendMethodNotAllowed(exchange.response);
}

import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import { GraphQLError } from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import type { Principal } from '../engines/security/principal.ts';
import { createContext, type Context, type GraphQLDeps, type RequestFacts } from '../graphql/context.ts';
import { createDocumentCache } from '../graphql/document-cache.ts';
import { presentError } from '../graphql/errors.ts';
import type { PersistedDocuments } from '../graphql/persisted-documents.ts';
import { runSubscription } from '../graphql/run-subscription.ts';
import { schema } from '../graphql/schema.ts';
import { errorCodes, type ErrorCode } from '../lib/errors.ts';
import type { Exchange } from './access-gate.ts';
import type { AccessWatch } from './access-watch.ts';
import { readOperation, readQueryString } from './operation-request.ts';
import { readBody, sendError } from './respond.ts';
import { refuseForgeable } from './request-guard.ts';

export const maxBodyBytes = 1_048_576;

interface ServerContext {
  /** Who asks and from where; stays in the context that resolvers get, for `runSubscription`. */
  facts: RequestFacts;
}

export type Yoga = YogaServerInstance<ServerContext, Context>;

/** So that an error deep inside names the same id as the response's header. */
export const requestIds = new AsyncLocalStorage<string>();

/** The pipeline of parse, validate and execute that HTTP and WebSocket share. */
export function createPipeline(deps: GraphQLDeps, options: { introspection: 'on' | 'off' }): Yoga {
  return createYoga<ServerContext, Context>({
    schema,
    plugins: [ownDocuments(options.introspection), ownSubscribe, ownCodes],
    context: ({ facts }) => createContext(deps, facts),
    maskedErrors: {
      maskError: (error) => presentError(error, requestIds.getStore() ?? randomUUID(), deps.log),
    },
    // GraphiQL is served from this process: see graphiql.ts. Yoga's own page loads its code from a CDN.
    graphiql: false,
    landingPage: false,
    batching: false,
    multipart: false,
    cors: false,
    healthCheckEndpoint: '/never-through-graphql',
    logging: false,
    // Its cache counts entries, of which each may be a megabyte of comments; ours counts bytes.
    parserAndValidationCache: false,
  });
}

/** Parsing and validating, with our limits before the standard rules and what was valid remembered. */
function ownDocuments(introspection: 'on' | 'off'): Plugin {
  const documents = createDocumentCache({ schema, introspection });
  return {
    onParse({ setParseFn }) {
      setParseFn((text: string) => documents.parse(text));
    },
    onValidate({ params, setResult }) {
      setResult([...documents.validate(params.documentAST)]);
    },
  };
}

const ownSubscribe: Plugin = {
  onSubscribe({ setSubscribeFn }) {
    setSubscribeFn(runSubscription);
  },
};

/** Yoga's own codes for refused requests and documents, as the one the API documents. */
const ownCodes: Plugin = {
  onResultProcess({ result }) {
    if (!('errors' in result)) return;
    for (const error of result.errors ?? []) {
      if (!isErrorCode(error.extensions?.['code'])) error.extensions['code'] = 'VALIDATION';
    }
  },
};

function isErrorCode(code: unknown): code is ErrorCode {
  return (errorCodes as readonly unknown[]).includes(code);
}

/** An answer that takes longer is a stream, or might as well be one: from then on its reader is watched like a socket. */
const unwatchedMs = 500;

/** Answers `/graphql` over HTTP. Queries by GET or POST, mutations by POST only. */
export async function answerGraphQL(
  deps: { yoga: Yoga; documents: PersistedDocuments; watch: Pick<AccessWatch, 'add'> },
  exchange: Exchange,
  principal: Principal,
): Promise<void> {
  const { request, response, client, requestId, linkBase } = exchange;
  try {
    if (request.method === 'POST') {
      const refusal = refuseForgeable(request.headers);
      if (refusal) return sendError(response, refusal.status, 'FORBIDDEN', refusal.message);
      const body = await readBody(request, maxBodyBytes);
      if (body === undefined)
        return sendError(response, 413, 'LIMIT_EXCEEDED', `The body is larger than ${maxBodyBytes} bytes.`);
      // Yoga takes a body that was read and parsed before it.
      Object.assign(request, { body: readOperation(body, deps.documents) });
    } else if (request.method === 'GET') {
      request.url = readQueryString(request, deps.documents);
    } else {
      response.setHeader('allow', 'GET, POST');
      return sendError(
        response,
        405,
        'VALIDATION',
        `${request.method} is not allowed here; use GET or POST.`,
      );
    }
  } catch (error) {
    if (error instanceof GraphQLError) return sendRefusal(exchange, error);
    throw error;
  }
  const userAgent = request.headers['user-agent'];
  const facts: RequestFacts = {
    principal,
    requestId,
    address: client.address,
    ...(userAgent === undefined ? {} : { userAgent }),
    baseUrl: linkBase,
  };
  watchLater(deps.watch, exchange, principal);
  await requestIds.run(requestId, () => deps.yoga(request, response, { facts }));
}

/** A subscription over HTTP must not outlive the session or key it was asked for with. */
function watchLater(watch: Pick<AccessWatch, 'add'>, { response }: Exchange, principal: Principal): void {
  let forget = () => {};
  const timer = setTimeout(() => {
    forget = watch.add(principal, () => response.destroy());
  }, unwatchedMs);
  response.once('close', () => {
    clearTimeout(timer);
    forget();
  });
}

function sendRefusal({ response }: Exchange, error: GraphQLError): void {
  const { code, http, ...extensions } = error.extensions as {
    code?: unknown;
    http?: { status?: number };
    [name: string]: unknown;
  };
  const known = isErrorCode(code) ? code : 'VALIDATION';
  sendError(response, http?.status ?? 400, known, error.message, extensions);
}

import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { GraphQLError, parse as parseDocument, type DocumentNode } from 'graphql';
import { createYoga, type Plugin, type YogaServerInstance } from 'graphql-yoga';
import { createContext, type Context, type GraphQLDeps } from '../graphql/context.ts';
import { limitDocument } from '../graphql/document-limits.ts';
import { presentError } from '../graphql/errors.ts';
import { documentLimits } from '../graphql/limits.ts';
import { runSubscription } from '../graphql/run-subscription.ts';
import { schema } from '../graphql/schema.ts';
import { errorCodes } from '../lib/errors.ts';
import { readBody, sendError } from './respond.ts';
import { refuseForgeable } from './request-guard.ts';

export const maxBodyBytes = 1_048_576;

/**
 * Operations executed at a time, and waiting. All started at once they would share the event loop in one long burst each
 * turn, and a health probe would wait behind all of them; in turns, throughput is the same and the probe waits behind a few.
 */
const admission = bulkhead(8, 2_000);
/** After this time an operation no longer counts: clients that read slowly, or a database that hangs, must not shut out the rest. */
const longestPlaceMs = 2_000;

interface ServerContext {
  requestId: string;
}

export type Yoga = YogaServerInstance<ServerContext, Context>;

/** So that an error deep inside names the same id as the response's header. */
export const requestIds = new AsyncLocalStorage<string>();

/** The pipeline of parse, validate and execute that HTTP and WebSocket share. */
export function createPipeline(deps: GraphQLDeps): Yoga {
  return createYoga<ServerContext, Context>({
    schema,
    plugins: [limits, ownSubscribe, ownCodes],
    context: ({ requestId }) => createContext(deps, requestId),
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
  });
}

const limits: Plugin = {
  onParse({ setParseFn }) {
    setParseFn((source: string): DocumentNode => {
      try {
        return parseDocument(source, { maxTokens: documentLimits.tokens });
      } catch (error) {
        if (error instanceof GraphQLError && /Document contains more th/.test(error.message)) {
          throw new GraphQLError(`The document has more than ${documentLimits.tokens} tokens.`, {
            extensions: { code: 'LIMIT_EXCEEDED', http: { status: 400 } },
          });
        }
        throw error;
      }
    });
  },
  onValidate({ addValidationRule }) {
    addValidationRule(limitDocument);
  },
};

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

function isErrorCode(code: unknown): boolean {
  return (errorCodes as readonly unknown[]).includes(code);
}

/** Answers `/graphql` over HTTP. Queries by GET or POST, mutations by POST only. */
export async function answerGraphQL(
  yoga: Yoga,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const requestId = randomUUID();
  response.setHeader('x-request-id', requestId);
  if (request.method === 'POST') {
    const refusal = refuseForgeable(request.headers);
    if (refusal) return sendError(response, refusal.status, 'FORBIDDEN', refusal.message);
    const body = await readBody(request, maxBodyBytes);
    if (body === undefined)
      return sendError(response, 413, 'LIMIT_EXCEEDED', `The body is larger than ${maxBodyBytes} bytes.`);
    const operation = parseOperation(body);
    if (!operation)
      return sendError(
        response,
        400,
        'VALIDATION',
        'The body must be one JSON object in UTF-8 with a query. Batches are not supported.',
      );
    // Yoga takes a body that was read and parsed before it.
    Object.assign(request, { body: operation });
  } else if (request.method !== 'GET') {
    response.setHeader('allow', 'GET, POST');
    return sendError(response, 405, 'VALIDATION', `${request.method} is not allowed here; use GET or POST.`);
  }
  const answer = async () => requestIds.run(requestId, () => yoga(request, response, { requestId }));
  // A subscription over HTTP would hold its place for as long as it lives.
  if (request.headers.accept?.includes('text/event-stream')) return answer();
  try {
    let answered: Promise<void> | undefined;
    await admission.execute(() => settledWithin((answered = answer()), longestPlaceMs));
    await answered;
  } catch (error) {
    if (!isBulkheadRejectedError(error)) throw error;
    sendError(
      response,
      503,
      'UNAVAILABLE',
      'The server has more requests than it can take. Try again in a moment.',
    );
  }
}

/** Resolves when the work has ended either way, or after the time. */
async function settledWithin(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => (timer = setTimeout(resolve, ms)));
  await Promise.race([work.catch(() => undefined), limit]);
  clearTimeout(timer);
}

function parseOperation(body: Buffer): object | undefined {
  try {
    // Broken UTF-8 is refused rather than changed: what is stored would not be what was sent.
    const value: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
    return typeof value === 'object' &&
      value !== null &&
      typeof (value as { query?: unknown }).query === 'string'
      ? value
      : undefined;
  } catch {
    return undefined;
  }
}

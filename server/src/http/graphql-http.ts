import { AsyncLocalStorage } from 'node:async_hooks';
import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
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
  await requestIds.run(requestId, () => yoga(request, response, { requestId }));
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

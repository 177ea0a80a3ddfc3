import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { GraphQLError, getOperationAST, type ExecutionArgs, type ExecutionResult } from 'graphql';
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { measureVariables } from '../graphql/document-limits.ts';
import type { PersistedDocuments } from '../graphql/persisted-documents.ts';
import type { RequestFacts } from '../graphql/context.ts';
import type { ResultStream } from '../graphql/run-subscription.ts';
import { SharedSubscriptions, type OutgoingBuffer } from '../graphql/shared-subscriptions.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import type { Client } from './client-of.ts';
import { closeCodes } from './close-codes.ts';
import { requestIds, type Yoga } from './graphql-http.ts';
import { createSocketAccess, type SocketAccess, type SocketAccessDeps } from './socket-access.ts';
import {
  boundedBuffer,
  keepAlive,
  replacementFor,
  sendText,
  spliceShared,
  withQuery,
} from './socket-text.ts';

export interface SocketOptions extends SocketAccessDeps {
  yoga: Yoga;
  documents: PersistedDocuments;
  log: Logger;
  /** Time for the client's `connection_init`. Default 3,000 ms. */
  initTimeoutMs?: number;
  /** Between pings; a socket that answered none since the last one is dropped. Default 12,000 ms. */
  pingIntervalMs?: number;
  /** Largest incoming message. Default 1 MiB. */
  maxPayloadBytes?: number;
  /** Most that may wait for one socket, in the kernel's queue and in ours. Default 1 MiB. */
  maxBufferedBytes?: number;
  /** Operations one socket may run at once. Default 100. */
  maxOperations?: number;
  onSlowConsumer?: () => void;
}

export interface GraphQLSockets {
  readonly size: number;
  /** Executions behind the sockets' shared subscriptions. */
  readonly sharedSize: number;
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, from: SocketOrigin): void;
  /** Tells every client to come back later and resume. */
  drain(): void;
  terminate(): void;
}

const mebibyte = 1_048_576;
const drainGraceMs = 1_000;
const endGraceMs = 1_000;

/** Where a socket comes from, as the upgrade request told. */
export interface SocketOrigin {
  client: Client;
  /** What links in answers begin with. */
  linkBase: string;
}

interface Extra {
  buffer: OutgoingBuffer;
  access: SocketAccess;
  client: Client;
  linkBase: string;
  userAgent: string | undefined;
}

/** What belongs to an operation between being prepared and being executed. */
interface Prepared {
  pipeline: ReturnType<Yoga['getEnveloped']>;
  query: string;
  buffer: OutgoingBuffer;
}

/** graphql-transport-ws over `ws`, with access that is watched, keepalive, bounded buffers and shared executions. */
export function createGraphQLSockets(options: SocketOptions): GraphQLSockets {
  const sockets = new Set<WebSocket>();
  const prepared = new WeakMap<object, Prepared>();
  const preparedOf = (args: ExecutionArgs) => prepared.get(args.contextValue as object)!;
  const shared = new SharedSubscriptions(
    (args) => preparedOf(args).pipeline.subscribe(args) as Promise<ExecutionResult | ResultStream>,
  );
  const maxOperations = options.maxOperations ?? 100;

  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: options.initTimeoutMs ?? 3_000,
    onConnect: ({ extra, connectionParams }) => extra.access.connect(connectionParams),
    onSubscribe: async ({ extra, subscriptions }, _id, payload) => {
      try {
        if (Object.keys(subscriptions).length > maxOperations)
          throw new GraphQLError(`A socket may run ${maxOperations} operations at once.`, {
            extensions: { code: 'LIMIT_EXCEEDED' },
          });
        return await prepare(options, extra, payload, prepared);
      } catch (error) {
        if (error instanceof GraphQLError) return [error];
        if (error instanceof RefusedDocument) return error.errors;
        throw error;
      }
    },
    execute: (args) => preparedOf(args).pipeline.execute(args),
    subscribe: (args) => {
      const { query, buffer } = preparedOf(args);
      return shared.subscribe(args, query, buffer) as Promise<ResultStream | ExecutionResult>;
    },
    // The text of a shared result is put in when the message is sent: see `spliceShared`.
    onNext: (_context, _id, _payload, _args, result) => replacementFor(result),
  });

  const server = new WebSocketServer({
    noServer: true,
    handleProtocols,
    maxPayload: options.maxPayloadBytes ?? mebibyte,
    perMessageDeflate: false,
  });

  function open(socket: WebSocket, request: IncomingMessage, { client, linkBase }: SocketOrigin): void {
    sockets.add(socket);
    const buffer = boundedBuffer(socket, options.maxBufferedBytes ?? mebibyte, () => {
      options.onSlowConsumer?.();
      options.log.warn('closing a WebSocket that reads too slowly');
    });
    let isEnded = false;
    /** Stops the socket's operations, once. */
    const finish = (code: number, reason: string) => {
      if (isEnded) return;
      isEnded = true;
      access.release();
      stopPinging();
      closed(code, reason).catch((error: unknown) =>
        options.log.error({ err: error }, 'ending the operations of a WebSocket failed'),
      );
    };
    const access = createSocketAccess(options, request, client, {
      end({ code, reason }) {
        finish(code, reason);
        // What still waits to be sent was meant for somebody who may not have it any more, and the close frame would
        // come behind it: then the connection goes with all of it.
        if (socket.bufferedAmount > 0) return socket.terminate();
        socket.close(code, reason);
        setTimeout(() => socket.terminate(), endGraceMs).unref();
      },
    });
    const stopPinging = keepAlive(socket, options.pingIntervalMs ?? 12_000);
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (data) => {
          const text = spliceShared(data);
          return isEnded ? undefined : sendText(socket, text, buffer);
        },
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) => socket.on('message', (data) => isEnded || receive(socket, data, handle)),
      },
      { buffer, access, client, linkBase, userAgent: request.headers['user-agent'] },
    );
    // Too large a message, a broken frame: ws closes the socket with the right code by itself.
    socket.on('error', () => {});
    socket.once('close', (code, reason) => {
      sockets.delete(socket);
      finish(code, reason.toString());
    });
  }

  function receive(socket: WebSocket, data: unknown, handle: (text: string) => Promise<void>): void {
    // Nothing behind this catches: an error here is ours, not the client's.
    // With the default binary type a message is one buffer.
    handle(withQuery((data as Buffer).toString('utf8'))).catch((error: unknown) => {
      // A well-formed message that only a server may send: that is the client's mistake.
      if (messageOf(error).startsWith('Unexpected message of type'))
        return socket.close(CloseCode.BadRequest, 'Invalid message received');
      options.log.error({ err: error }, 'a WebSocket message failed');
      socket.close(4500, 'Internal server error');
    });
  }

  return {
    get size() {
      return sockets.size;
    },
    get sharedSize() {
      return shared.size;
    },
    upgrade(request, socket, head, from) {
      server.handleUpgrade(request, socket, head, (upgraded) => open(upgraded, request, from));
    },
    drain() {
      const { code, reason } = closeCodes.serverRestart;
      for (const socket of sockets) socket.close(code, reason);
      // Who does not answer the close frame must not hold the shutdown up.
      setTimeout(() => {
        for (const socket of sockets) socket.terminate();
      }, drainGraceMs).unref();
    },
    terminate() {
      for (const socket of sockets) socket.terminate();
      server.close();
    },
  };
}

interface SubscribePayload {
  query: string;
  operationName?: string | null | undefined;
  variables?: Record<string, unknown> | null | undefined;
  extensions?: Record<string, unknown> | null | undefined;
  documentId?: unknown;
}

class RefusedDocument extends Error {
  readonly errors: readonly GraphQLError[];
  constructor(errors: readonly GraphQLError[]) {
    super('The document was refused.');
    this.errors = errors;
  }
}

/**
 * Admits, parses and validates as HTTP does, so that the same rights and limits hold.
 * @throws GraphQLError or RefusedDocument
 */
async function prepare(
  { yoga, documents }: Pick<SocketOptions, 'yoga' | 'documents'>,
  extra: Extra,
  payload: SubscribePayload,
  remember: WeakMap<object, Prepared>,
): Promise<ExecutionArgs> {
  const principal = await extra.access.admit();
  const { userAgent, client, buffer } = extra;
  const requestId = randomUUID();
  const facts: RequestFacts = {
    principal,
    requestId,
    address: client.address,
    ...(userAgent === undefined ? {} : { userAgent }),
    baseUrl: extra.linkBase,
  };
  return requestIds.run(requestId, async () => {
    const abuse = measureVariables(payload.variables);
    if (abuse) throw abuse;
    const query = documents.resolve(payload);
    const params = {
      query,
      operationName: payload.operationName ?? undefined,
      variables: payload.variables ?? undefined,
    };
    const pipeline = yoga.getEnveloped({ facts, params } as never);
    let document;
    try {
      document = pipeline.parse(query);
    } catch (error) {
      throw withOwnCode(error);
    }
    const errors = pipeline.validate(pipeline.schema, document) as readonly GraphQLError[];
    if (errors.length > 0) throw new RefusedDocument(errors.map(withOwnCode));
    if (!getOperationAST(document, payload.operationName))
      throw withOwnCode(new GraphQLError('Could not determine what operation to execute.'));
    const args: ExecutionArgs = {
      schema: pipeline.schema,
      document,
      operationName: payload.operationName ?? null,
      variableValues: payload.variables ?? {},
      contextValue: await pipeline.contextFactory(),
    };
    remember.set(args.contextValue as object, { pipeline, query, buffer });
    return args;
  });
}

const documentCodes: readonly unknown[] = ['LIMIT_EXCEEDED', 'FORBIDDEN'];

function withOwnCode(error: unknown): GraphQLError {
  if (!(error instanceof GraphQLError))
    return new GraphQLError('The document cannot be read.', { extensions: { code: 'VALIDATION' } });
  if (!documentCodes.includes(error.extensions['code'])) error.extensions['code'] = 'VALIDATION';
  return error;
}

import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import {
  GraphQLError,
  getOperationAST,
  type ExecutionArgs,
  type ExecutionResult,
  type FormattedExecutionResult,
} from 'graphql';
import { CloseCode, handleProtocols, makeServer, type Context as ProtocolContext } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';
import { SharedResult, SharedSubscriptions, type OutgoingBuffer } from '../graphql/shared-subscriptions.ts';
import type { ResultStream } from '../graphql/run-subscription.ts';
import { messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { closeCodes } from './close-codes.ts';
import { requestIds, type Yoga } from './graphql-http.ts';

export interface SocketOptions {
  yoga: Yoga;
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
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Tells every client to come back later and resume. */
  drain(): void;
  terminate(): void;
}

const mebibyte = 1_048_576;
/** Above this the next result is asked for only when the last one has left. */
const highWaterBytes = 65_536;
const closeGraceMs = 5_000;
const drainGraceMs = 1_000;

interface Extra {
  buffer: OutgoingBuffer;
}

/** graphql-transport-ws over `ws`, with keepalive, bounded buffers and shared executions. */
export function createGraphQLSockets(options: SocketOptions): GraphQLSockets {
  const maxBufferedBytes = options.maxBufferedBytes ?? mebibyte;
  const sockets = new Set<WebSocket>();
  const enveloped = new WeakMap<object, ReturnType<Yoga['getEnveloped']>>();
  const queryTexts = new WeakMap<object, string>();
  const shared = new SharedSubscriptions((args) => {
    const pipeline = enveloped.get(args.contextValue as object)!;
    return pipeline.subscribe(args) as Promise<ExecutionResult | ResultStream>;
  });
  const buffers = new WeakMap<object, OutgoingBuffer>();

  const protocol = makeServer<Record<string, unknown>, Extra>({
    connectionInitWaitTimeout: options.initTimeoutMs ?? 3_000,
    onSubscribe: async (context, _id, payload) => {
      const limit = options.maxOperations ?? 100;
      if (Object.keys(context.subscriptions).length > limit) {
        return [
          new GraphQLError(`A socket may run ${limit} operations at once.`, {
            extensions: { code: 'LIMIT_EXCEEDED' },
          }),
        ];
      }
      return prepare(options.yoga, payload, (args, pipeline) => {
        enveloped.set(args.contextValue as object, pipeline);
        queryTexts.set(args.contextValue as object, payload.query);
        buffers.set(args.contextValue as object, extraOf(context).buffer);
      });
    },
    execute: (args) => enveloped.get(args.contextValue as object)!.execute(args),
    subscribe: (args) => {
      const key = args.contextValue as object;
      return shared.subscribe(args, queryTexts.get(key)!, buffers.get(key)!) as Promise<
        ResultStream | ExecutionResult
      >;
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
  server.on('connection', (socket) => {
    sockets.add(socket);
    const buffer = boundedBuffer(socket, maxBufferedBytes, () => {
      options.onSlowConsumer?.();
      options.log.warn({ maxBufferedBytes }, 'closing a WebSocket that reads too slowly');
    });
    const closed = protocol.opened(
      {
        protocol: socket.protocol,
        send: (data) => sendText(socket, spliceShared(data), buffer),
        close: (code, reason) => socket.close(code, reason),
        onMessage: (handle) => {
          socket.on('message', (data) => {
            // Nothing behind this catches: an error here is ours, not the client's.
            // With the default binary type a message is one buffer.
            handle((data as Buffer).toString('utf8')).catch((error: unknown) => {
              // A well-formed message that only a server may send: that is the client's mistake.
              if (messageOf(error).startsWith('Unexpected message of type'))
                return socket.close(CloseCode.BadRequest, 'Invalid message received');
              options.log.error({ err: error }, 'a WebSocket message failed');
              socket.close(4500, 'Internal server error');
            });
          });
        },
      },
      { buffer },
    );
    const stopPinging = keepAlive(socket, options.pingIntervalMs ?? 12_000);
    // Too large a message, a broken frame: ws closes the socket with the right code by itself.
    socket.on('error', () => {});
    socket.once('close', (code, reason) => {
      stopPinging();
      sockets.delete(socket);
      void closed(code, reason.toString());
    });
  });

  return {
    get size() {
      return sockets.size;
    },
    get sharedSize() {
      return shared.size;
    },
    upgrade(request, socket, head) {
      server.handleUpgrade(request, socket, head, (upgraded) => server.emit('connection', upgraded, request));
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

function extraOf(context: ProtocolContext<Record<string, unknown>, Extra>): Extra {
  return context.extra;
}

/** Parses and validates through the pipeline that HTTP uses, so that the same limits hold. */
async function prepare(
  yoga: Yoga,
  payload: {
    query: string;
    operationName?: string | null | undefined;
    variables?: Record<string, unknown> | null | undefined;
  },
  remember: (args: ExecutionArgs, pipeline: ReturnType<Yoga['getEnveloped']>) => void,
): Promise<ExecutionArgs | readonly GraphQLError[]> {
  const requestId = randomUUID();
  return requestIds.run(requestId, async () => {
    const params = {
      query: payload.query,
      operationName: payload.operationName ?? undefined,
      variables: payload.variables ?? undefined,
    };
    const pipeline = yoga.getEnveloped({ requestId, params } as never);
    let document;
    try {
      document = pipeline.parse(payload.query);
    } catch (error) {
      return [withValidationCode(error)];
    }
    const errors = pipeline.validate(pipeline.schema, document) as readonly GraphQLError[];
    if (errors.length > 0) return errors.map(withValidationCode);
    if (!getOperationAST(document, payload.operationName)) {
      return [withValidationCode(new GraphQLError('Could not determine what operation to execute.'))];
    }
    const args: ExecutionArgs = {
      schema: pipeline.schema,
      document,
      operationName: payload.operationName ?? null,
      variableValues: payload.variables ?? {},
      contextValue: await pipeline.contextFactory(),
    };
    remember(args, pipeline);
    return args;
  });
}

function withValidationCode(error: unknown): GraphQLError {
  if (!(error instanceof GraphQLError))
    return new GraphQLError('The document cannot be read.', { extensions: { code: 'VALIDATION' } });
  if (error.extensions['code'] !== 'LIMIT_EXCEEDED') error.extensions['code'] = 'VALIDATION';
  return error;
}

const placeholder = '"payload":"@shared"}';
let lastSplicing: SharedResult | undefined;

/** Typed for the option it fills: graphql-ws asks for the widest kind of result. */
function replacementFor(result: unknown): FormattedExecutionResult | void {
  return result instanceof SharedResult ? (splicing(result) as FormattedExecutionResult) : undefined;
}

/**
 * graphql-ws builds each message by JSON.stringify, which would serialise a shared result once a socket. This stands in
 * for it there, and `spliceShared` puts the text in.
 */
function splicing(result: SharedResult): unknown {
  return {
    toJSON() {
      lastSplicing = result;
      return '@shared';
    },
  };
}

/** Runs directly behind the JSON.stringify of the same message: nothing can come between the two. */
function spliceShared(message: string): string {
  const result = lastSplicing;
  lastSplicing = undefined;
  if (!result || !message.endsWith(placeholder)) return message;
  return `${message.slice(0, -placeholder.length)}"payload":${result.text}}`;
}

/** Resolves at once while the socket keeps up, else when the message has left: that holds its subscription back. */
function sendText(socket: WebSocket, text: string, buffer: OutgoingBuffer): Promise<void> | void {
  if (socket.readyState !== socket.OPEN || !buffer.add(0)) return;
  if (socket.bufferedAmount + text.length < highWaterBytes) return socket.send(text);
  return new Promise((resolve) => socket.send(text, () => resolve()));
}

function boundedBuffer(socket: WebSocket, maxBytes: number, onOverflow: () => void): OutgoingBuffer {
  let queuedBytes = 0;
  return {
    add(bytes) {
      if (socket.readyState !== socket.OPEN) return false;
      queuedBytes += bytes;
      if (queuedBytes + socket.bufferedAmount <= maxBytes) return true;
      onOverflow();
      socket.close(closeCodes.slowConsumer.code, closeCodes.slowConsumer.reason);
      // The close frame waits behind what the client has not read; who reads nothing at all is cut off.
      setTimeout(() => socket.terminate(), closeGraceMs).unref();
      return false;
    },
    remove(bytes) {
      queuedBytes -= bytes;
    },
  };
}

function keepAlive(socket: WebSocket, intervalMs: number): () => void {
  let answered = true;
  socket.on('pong', () => (answered = true));
  const timer = setInterval(() => {
    if (!answered) return socket.terminate();
    answered = false;
    if (socket.readyState === socket.OPEN) socket.ping();
  }, intervalMs);
  timer.unref();
  return () => clearInterval(timer);
}

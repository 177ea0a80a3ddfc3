import type { FormattedExecutionResult } from 'graphql';
import type { WebSocket } from 'ws';
import { SharedResult, type OutgoingBuffer } from '../graphql/shared-subscriptions.ts';
import { closeCodes } from './close-codes.ts';

/** Above this the next result is asked for only when the last one has left. */
const highWaterBytes = 65_536;
const closeGraceMs = 5_000;

const placeholder = '"payload":"@shared"}';
let lastSplicing: SharedResult | undefined;

/** Typed for the option it fills: graphql-ws asks for the widest kind of result. */
export function replacementFor(result: unknown): FormattedExecutionResult | void {
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
export function spliceShared(message: string): string {
  const result = lastSplicing;
  lastSplicing = undefined;
  if (!result || !message.endsWith(placeholder)) return message;
  return `${message.slice(0, -placeholder.length)}"payload":${result.text}}`;
}

/** Resolves at once while the socket keeps up, else when the message has left: that holds its subscription back. */
export function sendText(socket: WebSocket, text: string, buffer: OutgoingBuffer): Promise<void> | void {
  if (socket.readyState !== socket.OPEN || !buffer.add(0)) return;
  if (socket.bufferedAmount + text.length < highWaterBytes) return socket.send(text);
  return new Promise((resolve) => socket.send(text, () => resolve()));
}

/** Closes the socket when more waits for it than `maxBytes`, in the kernel's queue and in ours. */
export function boundedBuffer(socket: WebSocket, maxBytes: number, onOverflow: () => void): OutgoingBuffer {
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

/** Drops a socket that answered no ping since the last one. @returns a function that ends it */
export function keepAlive(socket: WebSocket, intervalMs: number): () => void {
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

/**
 * A `subscribe` that names its document by id alone, as graphql-ws takes it: that insists on a query. Other messages are
 * not looked into, so they cost nothing.
 */
export function withQuery(message: string): string {
  if (!message.includes('"documentId"') && !message.includes('"persistedQuery"')) return message;
  try {
    const parsed = JSON.parse(message) as { type?: unknown; payload?: { query?: unknown } | null };
    if (parsed.type !== 'subscribe' || typeof parsed.payload !== 'object' || parsed.payload === null)
      return message;
    if (parsed.payload.query !== undefined && parsed.payload.query !== null) return message;
    return JSON.stringify({ ...parsed, payload: { ...parsed.payload, query: '' } });
  } catch {
    return message;
  }
}

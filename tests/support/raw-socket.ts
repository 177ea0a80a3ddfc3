import { once } from 'node:events';
import { WebSocket } from 'ws';

export type SocketMessage = { type: string; id?: string; payload?: unknown };

/** A WebSocket as a client without a library has it, with every message it got. */
export interface RawSocket {
  socket: WebSocket;
  /** All so far, the oldest first. */
  messages: SocketMessage[];
  send(...messages: (object | string | Buffer)[]): void;
  /** The next one that `next` has not given yet. */
  next(): Promise<SocketMessage>;
  closed: Promise<{ code: number; reason: string }>;
}

export interface RawSocketOptions {
  headers?: Record<string, string>;
  protocol?: string;
  /** Of the `connection_init`, whose `connection_ack` is awaited. `false`: none is sent. */
  init?: object | false;
}

/** @throws Error with the status when the upgrade is refused */
export async function openRaw(url: string, options: RawSocketOptions = {}): Promise<RawSocket> {
  const socket = new WebSocket(
    `${url.replace(/^http/, 'ws')}/graphql`,
    options.protocol ?? 'graphql-transport-ws',
    { headers: options.headers ?? {} },
  );
  const messages: SocketMessage[] = [];
  let given = 0;
  let wake = () => {};
  socket.on('message', (data) => {
    messages.push(JSON.parse((data as Buffer).toString()) as SocketMessage);
    wake();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) =>
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() })),
  );
  await once(socket, 'open');
  socket.on('error', () => {});
  const raw: RawSocket = {
    socket,
    messages,
    closed,
    async next() {
      while (messages.length <= given) await new Promise<void>((resolve) => (wake = resolve));
      return messages[given++]!;
    },
    send(...sent) {
      for (const message of sent)
        socket.send(
          typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message),
        );
    },
  };
  if (options.init !== false) {
    raw.send({ type: 'connection_init', payload: options.init ?? {} });
    const first = await Promise.race([raw.next(), closed]);
    if (!('type' in first) || first.type !== 'connection_ack')
      throw new Error(`not acknowledged: ${JSON.stringify(first)}`);
  }
  return raw;
}

/** A `subscribe` message. */
export const subscribeTo = (id: string, query: string, more: object = {}) => ({
  id,
  type: 'subscribe',
  payload: { query, ...more },
});

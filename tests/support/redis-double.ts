import { createServer, type Socket } from 'node:net';

export interface RedisDouble {
  url: string;
  /** Connections that subscribed. */
  subscriberCount(): number;
  /** Cuts every connection and refuses new ones until `resume`. */
  cut(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** Speaks as much of RESP 3 over a real socket as publish and subscribe need; for tests on machines without a redis-server. */
export async function startRedisDouble(): Promise<RedisDouble> {
  const sockets = new Set<Socket>();
  const subscribers = new Map<Socket, Set<string>>();
  const bulk = (text: string) => `$${Buffer.byteLength(text)}\r\n${text}\r\n`;
  const answer = (socket: Socket, [name = '', ...values]: string[]): string => {
    switch (name.toLowerCase()) {
      case 'hello':
        return `%2\r\n${bulk('server')}${bulk('redis')}${bulk('proto')}:3\r\n`;
      case 'info':
        return bulk('redis_version:8.0.0\r\nloading:0\r\n');
      case 'subscribe': {
        const channels = subscribers.get(socket) ?? new Set();
        subscribers.set(socket, channels.add(values[0]!));
        return `>3\r\n${bulk('subscribe')}${bulk(values[0]!)}:${channels.size}\r\n`;
      }
      case 'publish': {
        const to = [...subscribers].filter(([, channels]) => channels.has(values[0]!));
        for (const [subscriber] of to)
          subscriber.write(`>3\r\n${bulk('message')}${bulk(values[0]!)}${bulk(values[1]!)}`);
        return `:${to.length}\r\n`;
      }
      default:
        return '+OK\r\n';
    }
  };
  const server = createServer((socket) => {
    sockets.add(socket);
    let received = '';
    socket.on('error', () => {});
    socket.on('close', () => {
      sockets.delete(socket);
      subscribers.delete(socket);
    });
    socket.on('data', (chunk) => {
      received += chunk.toString();
      for (let command = takeCommand(received); command; command = takeCommand(received)) {
        received = received.slice(command.length);
        socket.write(answer(socket, command.words));
      }
    });
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve));
  const stop = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve());
      for (const socket of sockets) socket.destroy();
    });
  await listen(0);
  const { port } = server.address() as { port: number };
  return {
    url: `redis://127.0.0.1:${port}`,
    subscriberCount: () => subscribers.size,
    cut: stop,
    resume: () => listen(port),
    close: () => (server.listening ? stop() : Promise.resolve()),
  };
}

/** The first complete command, an array of bulk strings; undefined while it is still arriving. */
function takeCommand(text: string): { words: string[]; length: number } | undefined {
  const head = /^\*(\d+)\r\n/.exec(text);
  if (!head) return undefined;
  const words: string[] = [];
  let at = head[0].length;
  for (let left = Number(head[1]); left > 0; left -= 1) {
    const size = /^\$(\d+)\r\n/.exec(text.slice(at));
    if (!size) return undefined;
    const from = at + size[0].length;
    const to = from + Number(size[1]);
    if (text.length < to + 2) return undefined;
    words.push(text.slice(from, to));
    at = to + 2;
  }
  return { words, length: at };
}

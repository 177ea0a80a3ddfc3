import type { TadaDocumentNode } from 'gql.tada';
import { print, type DocumentNode } from 'graphql';
import { createClient, type Client } from 'graphql-ws';
import { WebSocket } from 'ws';

export interface GraphQLAnswer<Data = Record<string, unknown>> {
  data?: Data | null;
  errors?: {
    message: string;
    path?: (string | number)[];
    extensions?: {
      code?: string;
      field?: string;
      requestId?: string;
      reason?: string;
      action?: string;
      retryAfterMs?: number;
    };
  }[];
}

type Text<Data, Variables> = string | DocumentNode | TadaDocumentNode<Data, Variables>;

/** One operation over HTTP; errors of GraphQL are in the answer, those of HTTP are thrown. */
export async function request<Data = Record<string, never>, Variables = Record<string, unknown>>(
  url: string,
  query: Text<Data, Variables>,
  variables?: Variables,
  headers: Record<string, string> = {},
): Promise<GraphQLAnswer<Data>> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    body: JSON.stringify({ query: typeof query === 'string' ? query : print(query), variables }),
  });
  return (await response.json()) as GraphQLAnswer<Data>;
}

/** The same, for operations that must succeed: gives the data. */
export async function requestData<Data = Record<string, never>, Variables = Record<string, unknown>>(
  url: string,
  query: Text<Data, Variables>,
  variables?: Variables,
  headers: Record<string, string> = {},
): Promise<Data> {
  const answer = await request(url, query, variables, headers);
  if (answer.errors || !answer.data) throw new Error(`GraphQL failed: ${JSON.stringify(answer.errors)}`);
  return answer.data;
}

export interface SocketClient extends Client {
  /** Codes of closed connections, oldest first. */
  closeCodes: number[];
  /** Cuts the connection without a close frame, as a lost network does. */
  cut(): void;
}

/** A graphql-ws client that does not reconnect unless told to. */
export function socketClient(
  url: string,
  options: { retryAttempts?: number; connectionParams?: Record<string, unknown> } = {},
): SocketClient {
  const closeCodes: number[] = [];
  const sockets: WebSocket[] = [];
  class Recorded extends WebSocket {
    constructor(address: string | URL, protocols?: string | string[]) {
      super(address, protocols);
      sockets.push(this);
    }
  }
  const client = createClient({
    url: `${url.replace(/^http/, 'ws')}/graphql`,
    webSocketImpl: Recorded,
    retryAttempts: options.retryAttempts ?? 0,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 10)),
    lazyCloseTimeout: 0,
    on: { closed: (event) => closeCodes.push((event as { code: number }).code) },
    ...(options.connectionParams ? { connectionParams: options.connectionParams } : {}),
  });
  return Object.assign(client, { closeCodes, cut: () => sockets.at(-1)?.terminate() });
}

/** Results of a subscription as they come; `return()` ends it. */
export function subscribe<
  Data = Record<string, unknown>,
  Variables extends Record<string, unknown> = Record<string, unknown>,
>(
  client: Client,
  query: Text<Data, Variables>,
  variables?: Variables,
): AsyncIterableIterator<GraphQLAnswer<Data>> {
  return client.iterate({
    query: typeof query === 'string' ? query : print(query),
    variables: variables ?? {},
  }) as AsyncIterableIterator<GraphQLAnswer<Data>>;
}

/** The next value. @throws Error when there is none within `timeoutMs`, which is a failed test, not a measurement */
export async function next<T>(results: AsyncIterator<T>, timeoutMs = 10_000): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`no value within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    const result = await Promise.race([results.next(), timeout]);
    if (result.done) throw new Error('the subscription has ended');
    return result.value;
  } finally {
    clearTimeout(timer);
  }
}

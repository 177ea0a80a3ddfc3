import {
  Client,
  fetchExchange,
  mapExchange,
  subscriptionExchange,
  type CombinedError,
  type Exchange,
  type ExecutionResult,
  type OperationContext,
} from '@urql/core';
import type { Client as SocketClient } from 'graphql-ws/client';
import { VersionGuard } from './version-guard.ts';

const REQUEST_TIMEOUT_MS = 15_000;

/** What a subscription may carry in its context to survive a break of the socket. */
export interface ResumeContext {
  /** Read at every (re)subscription, so that it goes on behind the last event instead of where it once started. */
  resume?: () => Record<string, unknown>;
  onTermination?: () => void;
}

interface ClientDeps {
  url: string;
  socket: SocketClient;
  cache: Exchange;
  /** Sent with every request. */
  headers: () => Record<string, string>;
  /** The server does not know who this is. */
  onUnauthenticated: () => void;
}

/** urql with our cache; reads and writes by HTTP, subscriptions by the one socket. */
export function createClient({ url, socket, cache, headers, onUnauthenticated }: ClientDeps): Client {
  const guard = new VersionGuard();
  return new Client({
    url,
    preferGetMethod: false,
    fetchOptions: () => ({ signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS), headers: headers() }),
    exchanges: [
      cache,
      mapExchange({
        onResult: (result) => {
          if (isUnauthenticated(result.error)) onUnauthenticated();
          return result.data ? { ...result, data: guard.admit<unknown>(result.data) } : result;
        },
      }),
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: (request, operation) => ({
          subscribe: (sink) => {
            const { resume, onTermination } = operation.context as OperationContext & ResumeContext;
            const payload = {
              query: request.query ?? '',
              // graphql-ws serialises the payload anew each time it resubscribes: the getter gives it the newest.
              get variables() {
                return { ...(request.variables as Record<string, unknown>), ...resume?.() };
              },
            };
            const unsubscribe = socket.subscribe<Record<string, unknown>, unknown>(payload, {
              next: (value) => sink.next(value as ExecutionResult),
              error: (error) => {
                sink.error(error);
                onTermination?.();
              },
              complete: () => {
                sink.complete();
                onTermination?.();
              },
            });
            return { unsubscribe };
          },
        }),
      }),
    ],
  });
}

function isUnauthenticated(error: CombinedError | undefined): boolean {
  if ((error?.response as Response | undefined)?.status === 401) return true;
  return error?.graphQLErrors.some(({ extensions }) => extensions['code'] === 'UNAUTHENTICATED') ?? false;
}

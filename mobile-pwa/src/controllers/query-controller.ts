import {
  createRequest,
  type AnyVariables,
  type CombinedError,
  type DocumentInput,
  type OperationResult,
} from '@urql/core';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { hive } from '../data/hive.ts';
import type { HiveEvent } from '../data/live-events.ts';

interface QueryOptions<Data, Variables extends AnyVariables> {
  query: DocumentInput<Data, Variables>;
  /** Read on every update of the host; undefined means there is nothing to ask yet. */
  variables: () => Variables | undefined;
  /** Which events make the answer out of date beyond what the cache already took from them. */
  refetchOn?: (event: HiveEvent, data: Data | undefined) => boolean;
  onData?: (data: Data) => void;
}

/** Events come in bursts: one more request for the whole burst is enough. */
const REFETCH_DEBOUNCE_MS = 120;
const REFETCH_MAX_WAIT_MS = 600;

/** A query that shows the cache at once, follows it live, and asks the server again when it must. */
export class QueryController<Data, Variables extends AnyVariables> implements ReactiveController {
  data: Data | undefined;
  error: CombinedError | undefined;
  /** True until the first answer or error, from the cache or the network. */
  loading = true;
  /** True once the server has answered since this view opened, even if with nothing. */
  answered = false;

  readonly #host: ReactiveControllerHost;
  readonly #options: QueryOptions<Data, Variables>;
  #key: string | undefined;
  #variables: Variables | undefined;
  #subscription: { unsubscribe: () => void } | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #firstRequestedAt = 0;

  constructor(host: ReactiveControllerHost, options: QueryOptions<Data, Variables>) {
    this.#host = host;
    this.#options = options;
    host.addController(this);
  }

  hostConnected(): void {
    hive.live.addEventListener('event', this.#onEvent);
    hive.signals.addEventListener('refresh', this.#onRefresh);
  }

  hostUpdate(): void {
    const variables = this.#options.variables();
    const key = variables === undefined ? undefined : JSON.stringify(variables);
    if (key === this.#key) return;
    this.#key = key;
    this.#variables = variables;
    this.#subscribe();
  }

  hostDisconnected(): void {
    hive.live.removeEventListener('event', this.#onEvent);
    hive.signals.removeEventListener('refresh', this.#onRefresh);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.#key = undefined;
  }

  /** Asks the server now. */
  refetch(): void {
    if (this.#variables === undefined) return;
    const { client } = hive;
    const request = createRequest(this.#options.query, this.#variables);
    // Every subscriber of the same query and variables gets the answer, the one below included.
    client.reexecuteOperation(
      client.createRequestOperation('query', request, { requestPolicy: 'network-only' }),
    );
  }

  #subscribe(): void {
    this.#subscription?.unsubscribe();
    this.#subscription = undefined;
    this.data = undefined;
    this.error = undefined;
    this.answered = false;
    this.loading = this.#variables !== undefined;
    if (this.#variables === undefined) return;
    this.#subscription = hive.client
      .query(this.#options.query, this.#variables, { requestPolicy: 'cache-and-network' })
      .subscribe(this.#onResult);
  }

  readonly #onResult = (result: OperationResult<Data, Variables>): void => {
    // A failed refresh keeps what was there: it is old, and says so, but it is better than nothing.
    if (result.data !== undefined && result.data !== null) {
      this.data = result.data;
      this.#options.onData?.(result.data);
    }
    this.error = result.error;
    if (!result.stale && !result.error) this.answered = true;
    this.loading = this.data === undefined && result.error === undefined && result.stale;
    this.#host.requestUpdate();
  };

  readonly #onEvent = (event: Event): void => {
    const detail = (event as CustomEvent<HiveEvent>).detail;
    if (this.#options.refetchOn?.(detail, this.data)) this.#refetchSoon();
  };

  readonly #onRefresh = (): void => this.refetch();

  #refetchSoon(): void {
    const now = Date.now();
    if (this.#timer === undefined) this.#firstRequestedAt = now;
    clearTimeout(this.#timer);
    const delayMs = Math.min(REFETCH_DEBOUNCE_MS, this.#firstRequestedAt + REFETCH_MAX_WAIT_MS - now);
    this.#timer = setTimeout(
      () => {
        this.#timer = undefined;
        this.refetch();
      },
      Math.max(0, delayMs),
    );
  }
}

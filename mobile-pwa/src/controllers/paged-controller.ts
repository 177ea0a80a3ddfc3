import type { AnyVariables, CombinedError, DocumentInput } from '@urql/core';
import type { ReactiveController, ReactiveControllerHost } from 'lit';
import { hive } from '../data/hive.ts';
import type { HiveEvent } from '../data/live-events.ts';
import { findBrokenLink, listNodes, placePage, type Page } from '../data/pages.ts';

interface Connection<Node> {
  pageInfo: { hasNextPage: boolean; endCursor: string | null };
  totalCount?: number;
  edges: readonly { node: Node }[];
}

interface PagedOptions<Data, Node, Variables extends AnyVariables> {
  query: DocumentInput<Data, Variables & { first: number; after: string | null }>;
  /** The filter; the list starts over when it changes. */
  variables: () => Variables | undefined;
  connection: (data: Data) => Connection<Node>;
  /** Whether the event's subject belongs in this list now; undefined when the event does not concern it. */
  belongs: (event: HiveEvent) => boolean | undefined;
  pageSize?: number;
}

const REFRESH_DELAY_MS = 250;

/** A list that grows page by page, each page live from the cache, the whole without gaps when things are added. */
export class PagedController<
  Data,
  Node extends { id: string },
  Variables extends AnyVariables,
> implements ReactiveController {
  nodes: Node[] = [];
  totalCount: number | undefined;
  error: CombinedError | undefined;
  loading = true;
  loadingMore = false;
  answered = false;

  readonly #host: ReactiveControllerHost;
  readonly #options: PagedOptions<Data, Node, Variables>;
  #key: string | undefined;
  #variables: Variables | undefined;
  #pages: Page<Node>[] = [];
  #subscriptions: { unsubscribe: () => void }[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(host: ReactiveControllerHost, options: PagedOptions<Data, Node, Variables>) {
    this.#host = host;
    this.#options = options;
    host.addController(this);
  }

  get hasMore(): boolean {
    return this.#pages.at(-1)?.hasNextPage ?? false;
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
    this.#reset();
    if (variables !== undefined) this.#ask(0, null);
  }

  hostDisconnected(): void {
    hive.live.removeEventListener('event', this.#onEvent);
    hive.signals.removeEventListener('refresh', this.#onRefresh);
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#reset();
    this.#key = undefined;
  }

  loadMore(): void {
    const last = this.#pages.at(-1);
    if (!last?.hasNextPage || this.loadingMore) return;
    this.loadingMore = true;
    this.#ask(this.#pages.length, last.endCursor);
    this.#host.requestUpdate();
  }

  /** Reads the first page again; the ones behind it follow if it moved. */
  refetch(): void {
    if (this.#variables !== undefined) this.#ask(0, null);
  }

  #reset(): void {
    for (const subscription of this.#subscriptions) subscription.unsubscribe();
    this.#subscriptions = [];
    this.#pages = [];
    this.nodes = [];
    this.totalCount = undefined;
    this.error = undefined;
    this.answered = false;
    this.loadingMore = false;
    this.loading = true;
  }

  #ask(index: number, after: string | null): void {
    this.#subscriptions[index]?.unsubscribe();
    const first = this.#options.pageSize ?? 25;
    const variables = { ...(this.#variables as Variables), first, after };
    this.#subscriptions[index] = hive.client
      .query(this.#options.query, variables, { requestPolicy: 'cache-and-network' })
      .subscribe((result) => {
        this.error = result.error;
        if (result.data) this.#take(index, after, this.#options.connection(result.data), result.stale);
        if (!result.stale) this.answered = true;
        this.loading = this.#pages.length === 0 && !result.error && result.stale;
        if (index > 0 && (!result.stale || result.data)) this.loadingMore = false;
        this.#host.requestUpdate();
      });
  }

  #take(index: number, after: string | null, connection: Connection<Node>, stale: boolean): void {
    const { endCursor, hasNextPage } = connection.pageInfo;
    const nodes = connection.edges.map((edge) => edge.node);
    this.#pages = placePage(this.#pages, { after, nodes, endCursor, hasNextPage }, index);
    if (connection.totalCount !== undefined) this.totalCount = connection.totalCount;
    this.nodes = listNodes(this.#pages);
    const broken = stale ? undefined : findBrokenLink(this.#pages);
    if (broken) this.#ask(broken.index, broken.after);
  }

  readonly #onEvent = (event: Event): void => {
    const detail = (event as CustomEvent<HiveEvent>).detail;
    const belongs = this.#options.belongs(detail);
    if (belongs === undefined || belongs === this.nodes.some((node) => node.id === detail.subjectId)) return;
    // Not pushed back by further events: a busy hive would never let the list catch up.
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.refetch();
    }, REFRESH_DELAY_MS);
  };

  readonly #onRefresh = (): void => this.refetch();
}

import {
  Kind,
  getOperationAST,
  type DocumentNode,
  type ExecutionArgs,
  type ExecutionResult,
  type FieldNode,
} from 'graphql';
import type { Context } from './context.ts';
import type { ResultStream } from './run-subscription.ts';
import { sharingKey } from './sharing-key.ts';

/** A result that many sockets send: serialised when the first one needs the text. */
export class SharedResult {
  readonly result: ExecutionResult;
  #text: string | undefined;

  constructor(result: ExecutionResult) {
    this.result = result;
  }

  get text(): string {
    this.#text ??= JSON.stringify(this.result);
    return this.#text;
  }
}

/** What one socket allows to wait for it, over all its subscriptions. */
export interface OutgoingBuffer {
  /** False when there is no room: the socket is being closed. */
  add(bytes: number): boolean;
  remove(bytes: number): void;
}

type Subscribe = (args: ExecutionArgs) => Promise<ExecutionResult | ResultStream>;

/** How a subscription field behaves for somebody who joins while it runs. */
const joinable: Readonly<Record<string, { replaysLast: boolean }>> = {
  // Nothing that came before the subscription belongs to it.
  events: { replaysLast: false },
  memoryOperations: { replaysLast: false },
  // The state now is the last one delivered. Not agentStatus for all agents: its start is many values, not one.
  taskUpdated: { replaysLast: true },
  planUpdated: { replaysLast: true },
  systemHealth: { replaysLast: true },
};

/**
 * Subscribers of the same document and variables whose rights are the same share one source, one execution an event and
 * one serialised text. It runs with the rights of whoever came first, also when they leave: see `sharingKey`. Subscriptions that resume from a cursor have a catch-up of their own and are not shared.
 */
export class SharedSubscriptions {
  readonly #groups = new Map<string, Group>();
  readonly #subscribe: Subscribe;

  constructor(subscribe: Subscribe) {
    this.#subscribe = subscribe;
  }

  /** Running executions; fewer than subscribers when any are shared. */
  get size(): number {
    return this.#groups.size;
  }

  /** @param query the document's text, which together with the variables decides who shares */
  async subscribe(
    args: ExecutionArgs,
    query: string,
    buffer: OutgoingBuffer,
  ): Promise<ExecutionResult | AsyncGenerator<SharedResult | ExecutionResult>> {
    const behaviour = shareable(args);
    if (!behaviour) return this.#subscribe(args);
    const { principal } = args.contextValue as Context;
    const key = JSON.stringify([
      sharingKey(principal, args.document, args.schema),
      query,
      args.operationName ?? null,
      sortedEntries(args.variableValues),
    ]);
    for (;;) {
      let group = this.#groups.get(key);
      if (!group) {
        group = new Group(this.#subscribe(args), behaviour.replaysLast, () => this.#groups.delete(key));
        this.#groups.set(key, group);
      }
      const failure = await group.started;
      if (failure) return failure;
      const joined = group.join(buffer);
      // It may have ended while this subscriber waited for its start.
      if (joined) return joined;
    }
  }
}

class Group {
  /** A result instead of a stream: the operation was refused. */
  readonly started: Promise<ExecutionResult | undefined>;
  readonly #members = new Set<Member>();
  readonly #replaysLast: boolean;
  readonly #onEnd: () => void;
  #stream: ResultStream | undefined;
  #last: SharedResult | undefined;
  #ended = false;

  constructor(starting: Promise<ExecutionResult | ResultStream>, replaysLast: boolean, onEnd: () => void) {
    this.#replaysLast = replaysLast;
    this.#onEnd = onEnd;
    this.started = this.#start(starting);
  }

  async #start(starting: Promise<ExecutionResult | ResultStream>): Promise<ExecutionResult | undefined> {
    try {
      const outcome = await starting;
      if (!(Symbol.asyncIterator in outcome)) {
        this.#end();
        return outcome;
      }
      this.#stream = outcome;
      return undefined;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  join(buffer: OutgoingBuffer): Member | undefined {
    if (this.#ended || !this.#stream) return undefined;
    const isFirst = this.#members.size === 0 && this.#last === undefined;
    const member = new Member(buffer, () => this.#leave(member));
    this.#members.add(member);
    if (this.#replaysLast && this.#last) member.push(this.#last);
    if (isFirst) void this.#pump(this.#stream);
    return member;
  }

  async #pump(stream: ResultStream): Promise<void> {
    let failure: unknown;
    try {
      for await (const result of stream) {
        const shared = new SharedResult(result);
        this.#last = shared;
        let waits = false;
        for (const member of this.#members) waits = member.push(shared) || waits;
        // A burst is executed without leaving this turn of the event loop; sockets that keep up must get to send in it.
        if (waits) await new Promise((resolve) => setImmediate(resolve));
      }
    } catch (error) {
      failure = error;
    }
    this.#end();
    for (const member of this.#members) member.finish(failure);
  }

  #leave(member: Member): void {
    this.#members.delete(member);
    if (this.#members.size > 0 || this.#ended) return;
    this.#end();
    void this.#stream?.return();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#onEnd();
  }
}

/** One socket's view of a group: an async generator over a bounded queue. */
class Member implements AsyncGenerator<SharedResult, void, undefined> {
  readonly #buffer: OutgoingBuffer;
  readonly #onLeave: () => void;
  readonly #queue: SharedResult[] = [];
  #waiting: ((result: IteratorResult<SharedResult, void>) => void) | undefined;
  #rejectWaiting: ((error: unknown) => void) | undefined;
  #finished: { failure?: unknown } | undefined;

  constructor(buffer: OutgoingBuffer, onLeave: () => void) {
    this.#buffer = buffer;
    this.#onLeave = onLeave;
  }

  /** @returns true when the value has to wait */
  push(value: SharedResult): boolean {
    if (this.#finished) return false;
    if (this.#waiting) {
      const deliver = this.#waiting;
      this.#waiting = undefined;
      deliver({ value, done: false });
      return false;
    }
    if (!this.#buffer.add(value.text.length)) return false;
    this.#queue.push(value);
    return true;
  }

  finish(failure: unknown): void {
    if (this.#finished) return;
    this.#finished = failure === undefined ? {} : { failure };
    if (!this.#waiting) return;
    if (failure === undefined) this.#waiting({ value: undefined, done: true });
    else this.#rejectWaiting?.(failure);
    this.#waiting = undefined;
  }

  next(): Promise<IteratorResult<SharedResult, void>> {
    const value = this.#queue.shift();
    if (value) {
      this.#buffer.remove(value.text.length);
      return Promise.resolve({ value, done: false });
    }
    if (this.#finished?.failure !== undefined) {
      const { failure } = this.#finished;
      this.#finished = {};
      return Promise.reject(failure);
    }
    if (this.#finished) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#waiting = resolve;
      this.#rejectWaiting = reject;
    });
  }

  return(): Promise<IteratorResult<SharedResult, void>> {
    for (const value of this.#queue.splice(0)) this.#buffer.remove(value.text.length);
    this.finish(undefined);
    this.#onLeave();
    return Promise.resolve({ value: undefined, done: true });
  }

  throw(error: unknown): Promise<IteratorResult<SharedResult, void>> {
    void this.return();
    return Promise.reject(error);
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

function shareable(args: ExecutionArgs): { replaysLast: boolean } | undefined {
  const field = onlyRootField(args.document, args.operationName);
  if (!field || field.directives?.length) return undefined;
  const after = field.arguments?.find((argument) => argument.name.value === 'after')?.value;
  if (after && after.kind !== Kind.NULL) {
    if (after.kind !== Kind.VARIABLE) return undefined;
    const given = args.variableValues?.[after.name.value];
    if (given !== null && given !== undefined) return undefined;
  }
  return joinable[field.name.value];
}

function onlyRootField(
  document: DocumentNode,
  operationName: string | null | undefined,
): FieldNode | undefined {
  const selections = getOperationAST(document, operationName)?.selectionSet.selections ?? [];
  const [only] = selections;
  return selections.length === 1 && only?.kind === Kind.FIELD ? only : undefined;
}

function sortedEntries(variables: ExecutionArgs['variableValues']): unknown {
  return Object.entries(variables ?? {}).sort(([left], [right]) => (left < right ? -1 : 1));
}

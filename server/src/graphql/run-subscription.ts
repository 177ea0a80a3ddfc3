import { complexityFromQuery } from '@pothos/plugin-complexity';
import {
  Kind,
  createSourceEventStream,
  execute,
  getOperationAST,
  type ExecutionArgs,
  type ExecutionResult,
} from 'graphql';
import { createContext, type Context, type RequestFacts } from './context.ts';
import { presentError } from './errors.ts';
import { costLimit, describeCost } from './limits.ts';

/** Zero when it cannot be told, for example because of wrong variables, which are refused next. */
function costOf({ document, operationName, schema, variableValues, contextValue }: ExecutionArgs): number {
  const operation = getOperationAST(document, operationName);
  if (!operation) return 0;
  const fragments = document.definitions.filter(({ kind }) => kind === Kind.FRAGMENT_DEFINITION);
  try {
    return complexityFromQuery(
      { ...document, definitions: [operation, ...fragments] },
      { schema, ctx: contextValue as Context, variables: variableValues ?? {} },
    ).complexity;
  } catch {
    return 0;
  }
}

export type ResultStream = AsyncGenerator<ExecutionResult, void, undefined>;

/**
 * graphql-js' `subscribe` with two differences. Each event is executed with loaders of its own, since one set would
 * remember the first event's objects for ever. And ending it ends the source at once, also while that waits for its next
 * event: a plain async generator would only notice when the event came.
 */
export async function runSubscription(args: ExecutionArgs): Promise<ExecutionResult | ResultStream> {
  const outer = args.contextValue as Context & { facts: RequestFacts };
  const { deps, requestId, facts } = outer;
  const stopping = new AbortController();
  const signal = AbortSignal.any([stopping.signal, outer.signal]);
  // The plugin that counts the cost looks only when a field resolves, which here is with every event anew.
  const cost = costOf(args);
  if (cost > costLimit) return { errors: [describeCost(cost)] };
  const source = await createSourceEventStream({ ...args, contextValue: { ...outer, signal } });
  if (!(Symbol.asyncIterator in source)) {
    stopping.abort();
    return {
      ...source,
      errors: (source.errors ?? []).map((error) => presentError(error, requestId, deps.log)),
    };
  }

  const events = source[Symbol.asyncIterator]();
  const results = (async function* (): ResultStream {
    try {
      while (!signal.aborted) {
        const next = await events.next();
        if (next.done) return;
        const contextValue = { ...outer, ...createContext(deps, { ...facts, signal }) };
        const result = await execute({ ...args, rootValue: next.value, contextValue });
        yield result.errors
          ? { ...result, errors: result.errors.map((error) => presentError(error, requestId, deps.log)) }
          : result;
      }
    } catch (error) {
      if (!signal.aborted) throw presentError(error, requestId, deps.log);
    } finally {
      stopping.abort();
      await events.return?.();
    }
  })();
  const end = results.return.bind(results);
  return Object.assign(results, {
    return(value: void) {
      stopping.abort();
      return end(value);
    },
  });
}

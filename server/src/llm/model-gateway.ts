import { BrokenCircuitError } from 'cockatiel';
import type { Clock } from '../lib/clock.ts';
import { DomainError, messageOf } from '../lib/errors.ts';
import type { Logger } from '../lib/log.ts';
import { startLoop, type Loop } from '../lib/loop.ts';
import type { ModelConfig } from './model-config.ts';
import type {
  CallRun,
  ModelUsage,
  ObjectAnswer,
  ObjectRequest,
  ProviderStatus,
  TextAnswer,
  TextRequest,
} from './model-types.ts';
import { parseObject } from './parse-object.ts';
import { costMicroUsd } from './price-table.ts';
import { probeProvider, providerTarget, type Fetch } from './provider-probe.ts';
import { CallerAbortedError, ProviderSlot } from './provider-slot.ts';
import type { ProviderAnswer, ProviderCall } from './provider-call.ts';

export interface ModelGatewayDeps {
  config: ModelConfig;
  clock: Clock;
  log: Logger;
  fetch?: Fetch;
  /** After anything in `status()` but the time changed. */
  onChange?(status: ProviderStatus[]): void;
}

export interface ModelGateway {
  /** Whether a language model can be called now. */
  readonly languageModelConnected: boolean;
  /** Whether answers without a language model are wanted when none answers. */
  readonly extractiveAllowed: boolean;
  /** Name and model of the provider that would be asked first; `extractive` without one. */
  identity(): string;
  status(): ProviderStatus[];
  /** Takes over settings that were changed while running, and looks for the providers again. */
  configure(config: ModelConfig): Promise<void>;
  /** Resolves when the providers have been looked for once; before that nothing is known to be connected. */
  ready(signal?: AbortSignal): Promise<void>;
  /** Looks for every provider now. */
  probe(signal?: AbortSignal): Promise<void>;
  /** Probes now and then every `healthIntervalMs`. */
  start(): void;
  stop(): Promise<void>;
  /**
   * Asks the providers in order until one answers. Text is streamed through `run.emit` as it comes.
   * @throws DomainError UNAVAILABLE (retryable) when none answers, or when a stream breaks after text was emitted: emitted
   * text cannot be taken back, and another provider's answer must not go on as if it were the same, so the attempt ends
   */
  generateText(request: TextRequest, run: CallRun): Promise<TextAnswer>;
  /** Same for a JSON value. An answer that does not fit the schema is returned with its problems, not thrown. */
  generateObject<T>(request: ObjectRequest<T>, run: CallRun): Promise<ObjectAnswer<T>>;
}

/** Longest wait a provider may ask for before it is passed over. */
const maxRetryAfterMs = 5_000;
const retryDelayMs = 500;
const probeTimeoutMs = 3_000;

type Attempt = Pick<ProviderCall, 'instructions' | 'turns' | 'tools' | 'schema' | 'maxOutputTokens'>;

/** Everything that thinks with a language model goes through here: order, breaker, timeout, retry, cost. */
export function createModelGateway(deps: ModelGatewayDeps): ModelGateway {
  const { clock, log } = deps;
  let config = deps.config;
  const fetch = deps.fetch ?? globalThis.fetch;
  let last = '';
  const changed = () => {
    const status = slots.map((slot) => slot.status());
    const text = JSON.stringify(status, (key, value: unknown) => (key === 'checkedAt' ? undefined : value));
    if (text === last) return;
    last = text;
    deps.onChange?.(status);
  };
  /** A provider whose settings stay the same stays as it is known, its breaker included. */
  const buildSlots = (known: readonly ProviderSlot[]): ProviderSlot[] =>
    config.providers.map((name) => {
      const slot = new ProviderSlot(providerTarget(name, config), config, clock, () => changed());
      return known.find((other) => other.settings === slot.settings) ?? slot;
    });
  let slots = buildSlots([]);
  const usable = () => slots.filter((slot) => slot.usable);
  const ask: ReturnType<typeof createAsk> = (attempt, run) =>
    createAsk({ slots, config, clock, fetch, changed })(attempt, run);
  let loop: Loop | undefined;

  const gateway: ModelGateway = {
    get languageModelConnected() {
      return usable().length > 0;
    },
    get extractiveAllowed() {
      return config.providers.includes('extractive');
    },
    async configure(next) {
      const wasRunning = loop !== undefined && next.healthIntervalMs !== config.healthIntervalMs;
      config = next;
      slots = buildSlots(slots);
      if (wasRunning) await gateway.stop();
      await gateway.probe();
      if (wasRunning) gateway.start();
    },
    identity() {
      const [first] = usable();
      return first ? `${first.target.name}:${first.model}` : 'extractive';
    },
    status: () => slots.map((slot) => slot.status()),
    async ready(signal) {
      if (slots.some((slot) => slot.isLanguageModel && !slot.probed)) await gateway.probe(signal);
    },
    async probe(signal) {
      const limit = Math.min(probeTimeoutMs, config.timeoutMs);
      await Promise.all(
        slots.map(async (slot) => slot.probedWith(await probeProvider(slot.target, fetch, limit, signal))),
      );
      changed();
    },
    start() {
      const turn = (signal: AbortSignal) => gateway.probe(signal);
      loop ??= startLoop({ name: 'model-health', intervalMs: config.healthIntervalMs, clock, log, turn });
    },
    async stop() {
      await loop?.stop();
      loop = undefined;
    },
    async generateText(request, run) {
      await gateway.ready(run.signal);
      const { answer, usage } = await ask(request, run);
      return { ...usage, text: answer.text, toolCalls: answer.toolCalls, finishReason: answer.finishReason };
    },
    async generateObject(request, run) {
      await gateway.ready(run.signal);
      const { schema, schemaName: name, prompt, ...rest } = request;
      const attempt = { ...rest, turns: [{ role: 'user' as const, text: prompt }], schema: { name, schema } };
      // JSON in pieces is nothing to show, and unshown it may come from another provider after a break.
      const { answer, usage } = await ask(attempt, { signal: run.signal, note: (line) => run.note(line) });
      return { ...usage, text: answer.text, ...parseObject(answer.text, schema) };
    },
  };
  return gateway;
}

interface AskDeps {
  slots: readonly ProviderSlot[];
  config: ModelConfig;
  clock: Clock;
  fetch: Fetch;
  changed(): void;
}

function createAsk(deps: AskDeps) {
  return async (attempt: Attempt, run: CallRun): Promise<{ answer: ProviderAnswer; usage: ModelUsage }> => {
    const failures: string[] = [];
    for (const slot of deps.slots) {
      if (!slot.isLanguageModel) continue;
      const { name } = slot.target;
      if (!slot.usable) {
        failures.push(`${name}: ${slot.obstacle ?? 'no model'}`);
        run.note(`${name}: ${slot.obstacle ?? 'no model'}; passed over`);
        continue;
      }
      const result = await askProvider(deps, slot, attempt, run);
      if (typeof result !== 'string') return result;
      failures.push(`${name}: ${result}`);
    }
    const message = `No language model answered. ${failures.join('. ')}`;
    throw new DomainError('UNAVAILABLE', message, { retryable: true });
  };
}

/** One provider, at most two tries. Returns why it failed. */
async function askProvider(
  deps: AskDeps,
  slot: ProviderSlot,
  attempt: Attempt,
  run: CallRun,
): Promise<{ answer: ProviderAnswer; usage: ModelUsage } | string> {
  const { name } = slot.target;
  const { describeFailure } = await import('./provider-failure.ts');
  let reason = '';
  for (let count = 1; count <= 2; count += 1) {
    let emitted = 0;
    const model = slot.model!;
    const onText = (text: string) => {
      emitted += text.length;
      run.emit?.(text);
    };
    try {
      const answer = await callOnce(deps, slot, model, attempt, run, onText);
      slot.succeeded();
      deps.changed();
      return { answer, usage: usageOf(slot, model, answer) };
    } catch (error) {
      if (run.signal.aborted) throw run.signal.reason;
      if (error instanceof BrokenCircuitError) return breakerOpened(slot, run);
      const failure = describeFailure(error, deps.clock.now());
      slot.failed(failure);
      deps.changed();
      reason = failure.message;
      if (run.emit && emitted > 0) {
        run.note(`${name}: ${reason}; the answer broke off after ${emitted} characters`);
        const message = `${name} broke off after ${emitted} characters: ${reason}`;
        throw new DomainError('UNAVAILABLE', message, { retryable: true, cause: error });
      }
      const waitMs = failure.retryAfterMs ?? retryDelayMs;
      if (count === 2 || !failure.retryable || waitMs > maxRetryAfterMs) {
        const why =
          failure.retryable && waitMs > maxRetryAfterMs
            ? ` (asks to wait ${Math.ceil(waitMs / 1_000)} s)`
            : '';
        run.note(`${name}: ${reason}${why}; on to the next provider`);
        return reason;
      }
      run.note(`${name}: ${reason}; trying again in ${waitMs} ms`);
      await deps.clock.sleep(waitMs, run.signal);
      if (run.signal.aborted) throw run.signal.reason;
    }
  }
  return reason;
}

function breakerOpened(slot: ProviderSlot, run: CallRun): string {
  const why = slot.obstacle ?? 'breaker open';
  run.note(`${slot.target.name}: ${why}; on to the next provider`);
  return why;
}

async function callOnce(
  deps: AskDeps,
  slot: ProviderSlot,
  model: string,
  attempt: Attempt,
  run: CallRun,
  onText: (text: string) => void,
): Promise<ProviderAnswer> {
  // The SDK and its providers take 25 MB; a hive without a language model never loads them.
  const { callProvider } = await import('./provider-call.ts');
  return slot.breaker.execute(async () => {
    try {
      const { target } = slot;
      const { timeoutMs } = deps.config;
      return await callProvider({
        ...attempt,
        target,
        model,
        timeoutMs,
        signal: run.signal,
        fetch: deps.fetch,
        onText,
      });
    } catch (error) {
      if (run.signal.aborted) throw new CallerAbortedError(messageOf(error), { cause: error });
      throw error;
    }
  });
}

function usageOf(slot: ProviderSlot, model: string, answer: ProviderAnswer): ModelUsage {
  const { inputTokens, outputTokens } = answer;
  const { name, kind } = slot.target;
  const cost = costMicroUsd(name, model, { inputTokens, outputTokens }, kind === 'OPENAI_COMPATIBLE');
  return {
    provider: name,
    model,
    ...(inputTokens === undefined ? {} : { inputTokens }),
    ...(outputTokens === undefined ? {} : { outputTokens }),
    ...(cost === undefined ? {} : { costMicroUsd: cost }),
  };
}

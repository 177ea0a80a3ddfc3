import {
  CircuitState,
  ConsecutiveBreaker,
  circuitBreaker,
  handleWhen,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import type { Clock } from '../lib/clock.ts';
import type { ModelConfig } from './model-config.ts';
import type { BreakerState, ProviderStatus } from './model-types.ts';
import { chooseModel, type ProbeResult, type ProviderTarget } from './provider-probe.ts';

/** The caller gave up; nobody's failure, so no breaker counts it. */
export class CallerAbortedError extends Error {}

/** One configured provider: what is known of it and its breaker. */
export class ProviderSlot {
  readonly target: ProviderTarget;
  readonly breaker: CircuitBreakerPolicy;
  model: string | undefined;
  #models: string[] = [];
  #probeFailure: ProviderStatus['failure'] = null;
  #callFailure: ProviderStatus['failure'] = null;
  #checkedAt: number | undefined;
  #openUntil = 0;
  /** Equal for slots that would behave the same. */
  readonly settings: string;
  readonly #configured: string | undefined;
  readonly #clock: Clock;

  constructor(target: ProviderTarget, config: ModelConfig, clock: Clock, onChange: () => void) {
    this.target = target;
    this.#configured = config.models?.[target.name];
    this.#clock = clock;
    this.settings = JSON.stringify([
      target,
      this.#configured,
      config.breakerFailures,
      config.breakerCooldownMs,
    ]);
    this.breaker = circuitBreaker(
      handleWhen((error) => !(error instanceof CallerAbortedError)),
      { halfOpenAfter: config.breakerCooldownMs, breaker: new ConsecutiveBreaker(config.breakerFailures) },
    );
    this.breaker.onBreak(() => {
      this.#openUntil = clock.now() + config.breakerCooldownMs;
    });
    this.breaker.onStateChange(onChange);
    // Built in: there is nothing to look for.
    if (!this.isLanguageModel) this.probedWith({ ok: true, models: ['lexrank'] });
  }

  get isLanguageModel(): boolean {
    return this.target.kind !== 'EXTRACTIVE';
  }

  get probed(): boolean {
    return this.#checkedAt !== undefined;
  }

  /** Milliseconds until an open breaker lets a call try; 0 when it does. */
  get openForMs(): number {
    return this.breaker.state === CircuitState.Open ? Math.max(0, this.#openUntil - this.#clock.now()) : 0;
  }

  get breakerState(): BreakerState {
    if (this.breaker.state === CircuitState.Closed) return 'CLOSED';
    return this.breaker.state === CircuitState.Open && this.openForMs > 0 ? 'OPEN' : 'HALF_OPEN';
  }

  /** Whether a call now has a chance. */
  get usable(): boolean {
    return (
      this.isLanguageModel &&
      this.model !== undefined &&
      this.#probeFailure === null &&
      this.breakerState !== 'OPEN'
    );
  }

  /** Why it cannot be called now, for the step's record. */
  get obstacle(): string | undefined {
    if (this.breakerState === 'OPEN')
      return `breaker open for another ${Math.ceil(this.openForMs / 1_000)} s`;
    return this.#probeFailure?.message;
  }

  probedWith(result: ProbeResult): void {
    this.#checkedAt = this.#clock.now();
    this.#models = result.ok ? result.models : [];
    this.model = result.ok ? chooseModel(this.target, result.models, this.#configured) : undefined;
    if (!result.ok) this.#probeFailure = { code: result.code, message: result.message };
    else if (this.model === undefined) {
      const message = `${this.target.address ?? this.target.name} answers but has no model for text; load one`;
      this.#probeFailure = { code: 'NO_MODEL', message };
    } else this.#probeFailure = null;
  }

  succeeded(): void {
    this.#callFailure = null;
  }

  failed(failure: { code: string; message: string }): void {
    this.#callFailure = { code: failure.code, message: failure.message };
    // Nobody listens there any more: known at once, not only at the next probe.
    if (failure.code === 'UNREACHABLE') this.#probeFailure = this.#callFailure;
  }

  status(): ProviderStatus {
    const { name, kind, address } = this.target;
    const breakerState = this.breakerState;
    const failure = this.#probeFailure ?? this.#callFailure;
    const down = this.#probeFailure !== null || breakerState === 'OPEN' || !this.probed;
    const degraded = breakerState === 'HALF_OPEN' || this.#callFailure !== null;
    return {
      name,
      kind,
      address,
      status: down ? 'DOWN' : degraded ? 'DEGRADED' : 'UP',
      models: this.#models,
      model: this.model ?? null,
      failure,
      breakerState,
      checkedAt: this.#checkedAt === undefined ? null : new Date(this.#checkedAt).toISOString(),
    };
  }
}

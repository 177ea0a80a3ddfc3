/** Providers in the words of `HIVE_LLM_PROVIDERS`. */
export const providerNames = ['ollama', 'llamacpp', 'openai', 'anthropic', 'extractive'] as const;
export type ProviderName = (typeof providerNames)[number];

export interface ModelConfig {
  /** Order of fallback. `extractive` needs no model; left out, a goal fails when no language model answers. */
  providers: readonly ProviderName[];
  ollamaUrl: string;
  llamacppUrl: string;
  openaiApiKey?: string | undefined;
  /** Another server that speaks OpenAI's protocol; then a key is optional. */
  openaiBaseUrl?: string | undefined;
  anthropicApiKey?: string | undefined;
  /** Instead of Anthropic's own address. */
  anthropicBaseUrl?: string | undefined;
  /** Model to use instead of the one picked from what the provider offers. */
  models?: Readonly<Partial<Record<ProviderName, string>>> | undefined;
  /** Longest silence of a provider: until its first token, and between two. */
  timeoutMs: number;
  /** Consecutive failures that open a provider's breaker. */
  breakerFailures: number;
  /** How long an open breaker refuses before it lets one call try. */
  breakerCooldownMs: number;
  healthIntervalMs: number;
}

export const defaultModelConfig: ModelConfig = {
  providers: providerNames,
  ollamaUrl: 'http://127.0.0.1:11434',
  llamacppUrl: 'http://127.0.0.1:8080',
  timeoutMs: 30_000,
  breakerFailures: 5,
  breakerCooldownMs: 60_000,
  healthIntervalMs: 30_000,
};

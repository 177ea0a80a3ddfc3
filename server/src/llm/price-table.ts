import type { ProviderName } from './model-config.ts';

interface Price {
  /** Micro-dollars a token, which is dollars a million tokens. */
  input: number;
  output: number;
}

/**
 * List prices in US dollars a million tokens, from https://openai.com/api/pricing and
 * https://www.anthropic.com/pricing as known in August 2025, without cache or batch discounts. The longest prefix of the
 * model's name decides; a model that is not listed has no known cost, which is not the same as none.
 */
const prices: Record<string, Price> = {
  'gpt-5-nano': { input: 0.05, output: 0.4 },
  'gpt-5-mini': { input: 0.25, output: 2 },
  'gpt-5': { input: 1.25, output: 10 },
  'gpt-4.1-nano': { input: 0.1, output: 0.4 },
  'gpt-4.1-mini': { input: 0.4, output: 1.6 },
  'gpt-4.1': { input: 2, output: 8 },
  'gpt-4o-mini': { input: 0.15, output: 0.6 },
  'gpt-4o': { input: 2.5, output: 10 },
  'o4-mini': { input: 1.1, output: 4.4 },
  'o3-mini': { input: 1.1, output: 4.4 },
  o3: { input: 2, output: 8 },
  'claude-opus-4': { input: 15, output: 75 },
  'claude-sonnet-4': { input: 3, output: 15 },
  'claude-3-7-sonnet': { input: 3, output: 15 },
  'claude-3-5-sonnet': { input: 3, output: 15 },
  'claude-3-5-haiku': { input: 0.8, output: 4 },
  'claude-3-haiku': { input: 0.25, output: 1.25 },
};

/** A dated snapshot of a listed model, or the model itself; `gpt-5.1` is another model than `gpt-5`. */
const snapshot = /^(-latest|-\d{8}|-\d{4}-\d{2}-\d{2}|-0|-1(-\d{8})?|-0-\d{8}|@\d+)?$/;

/** Cost of one call in micro-dollars: 0 on one's own machine, undefined when the price or the usage is not known. */
export function costMicroUsd(
  provider: ProviderName,
  model: string,
  usage: { inputTokens?: number | undefined; outputTokens?: number | undefined },
  ownServer = false,
): number | undefined {
  if (provider === 'ollama' || provider === 'llamacpp' || provider === 'extractive') return 0;
  // Somebody else's server charges what it likes, whatever the model is called.
  if (ownServer) return undefined;
  const name = Object.keys(prices)
    .filter((prefix) => model.startsWith(prefix) && snapshot.test(model.slice(prefix.length)))
    .sort((left, right) => right.length - left.length)[0];
  const price = name === undefined ? undefined : prices[name];
  if (!price || usage.inputTokens === undefined || usage.outputTokens === undefined) return undefined;
  return Math.ceil(usage.inputTokens * price.input + usage.outputTokens * price.output);
}

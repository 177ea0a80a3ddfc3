import { z } from 'zod';
import { messageOf } from '../lib/errors.ts';
import type { ModelConfig, ProviderName } from './model-config.ts';
import type { ProviderKind } from './model-types.ts';

export type Fetch = typeof globalThis.fetch;

export interface ProviderTarget {
  name: ProviderName;
  kind: ProviderKind;
  /** Base of the API, without a trailing slash; null when the provider is not configured. */
  address: string | null;
  apiKey?: string;
  /** From a user name and password in the configured address. */
  authorization?: string;
  /** Why it is not configured and what would change that. */
  missing?: string;
}

export type ProbeResult = { ok: true; models: string[] } | { ok: false; code: string; message: string };

const ollamaTags = z.object({ models: z.array(z.object({ name: z.string() })).default([]) });
const modelList = z.object({ data: z.array(z.object({ id: z.string() })).nullish() });

export function providerTarget(name: ProviderName, config: ModelConfig): ProviderTarget {
  switch (name) {
    case 'ollama':
      return { name, kind: 'OLLAMA', ...locate(config.ollamaUrl) };
    case 'llamacpp':
      return { name, kind: 'LLAMACPP', ...locate(config.llamacppUrl) };
    case 'openai':
      return openaiTarget(config);
    case 'anthropic': {
      const place = locate(config.anthropicBaseUrl ?? 'https://api.anthropic.com/v1');
      if (config.anthropicApiKey)
        return { name, kind: 'ANTHROPIC', ...place, apiKey: config.anthropicApiKey };
      return { name, kind: 'ANTHROPIC', address: null, missing: 'ANTHROPIC_API_KEY is not set' };
    }
    case 'extractive':
      return { name, kind: 'EXTRACTIVE', address: null };
  }
}

function openaiTarget(config: ModelConfig): ProviderTarget {
  const key = config.openaiApiKey ? { apiKey: config.openaiApiKey } : {};
  if (config.openaiBaseUrl) {
    return { name: 'openai', kind: 'OPENAI_COMPATIBLE', ...locate(config.openaiBaseUrl), ...key };
  }
  if (config.openaiApiKey)
    return { name: 'openai', kind: 'OPENAI', address: 'https://api.openai.com/v1', ...key };
  return {
    name: 'openai',
    kind: 'OPENAI',
    address: null,
    missing: 'neither OPENAI_API_KEY nor OPENAI_BASE_URL is set',
  };
}

/** Asks a provider which models it has. Never throws: not being there is an answer. */
export async function probeProvider(
  target: ProviderTarget,
  fetch: Fetch,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<ProbeResult> {
  if (target.kind === 'EXTRACTIVE') return { ok: true, models: ['lexrank'] };
  if (target.address === null)
    return { ok: false, code: 'NOT_CONFIGURED', message: target.missing ?? 'not configured' };
  const limit = AbortSignal.timeout(timeoutMs);
  const both = signal ? AbortSignal.any([limit, signal]) : limit;
  const ask = async (path: string) => {
    const response = await fetch(`${target.address}${path}`, { headers: headersOf(target), signal: both });
    if (!response.ok) {
      await response.body?.cancel();
      throw new Error(`${path} answered ${response.status}`);
    }
    return (await response.json()) as unknown;
  };
  try {
    return { ok: true, models: await listModels(target, ask) };
  } catch (error) {
    if (limit.aborted)
      return {
        ok: false,
        code: 'TIMEOUT',
        message: `${target.address} did not answer within ${timeoutMs} ms`,
      };
    const reason =
      error instanceof Error && error.cause !== undefined ? messageOf(error.cause) : messageOf(error);
    return { ok: false, code: 'UNREACHABLE', message: `${target.address}: ${reason.slice(0, 300)}` };
  }
}

async function listModels(
  target: ProviderTarget,
  ask: (path: string) => Promise<unknown>,
): Promise<string[]> {
  if (target.kind === 'OLLAMA')
    return ollamaTags.parse(await ask('/api/tags')).models.map(({ name }) => name);
  const path = target.kind === 'LLAMACPP' ? '/v1/models' : '/models';
  return (modelList.parse(await ask(path)).data ?? []).map(({ id }) => id);
}

function headersOf({ kind, apiKey, authorization }: ProviderTarget): Record<string, string> {
  if (!apiKey) return authorization ? { authorization } : {};
  return kind === 'ANTHROPIC'
    ? { 'x-api-key': apiKey, 'anthropic-version': '2023-06-01' }
    : { authorization: `Bearer ${apiKey}` };
}

const notForText =
  /embed|bge-|minilm|rerank|whisper|tts|dall-e|moderation|audio|realtime|image|transcribe|sora|davinci|babbage/i;
const preferred: Partial<Record<ProviderKind, RegExp[]>> = {
  OPENAI: [/^gpt-5-mini$/, /^gpt-4\.1-mini$/, /^gpt-4o-mini$/, /^gpt-/],
  ANTHROPIC: [/^claude-sonnet-/, /^claude-.*sonnet/, /^claude-/],
};

/** The model to use: the configured one, else the best known among those offered. */
export function chooseModel(
  target: ProviderTarget,
  models: readonly string[],
  configured: string | undefined,
): string | undefined {
  if (configured) return configured;
  const usable = models.filter((model) => !notForText.test(model));
  for (const pattern of preferred[target.kind] ?? []) {
    const match = usable.find((model) => pattern.test(model));
    if (match) return match;
  }
  return usable[0];
}

/** The address without what must not be shown: `fetch` refuses credentials in a URL, so they go into a header. */
function locate(text: string): Pick<ProviderTarget, 'address' | 'authorization'> {
  const address = text.replace(/\/+$/, '');
  if (!URL.canParse(address)) return { address };
  const url = new URL(address);
  if (url.username === '' && url.password === '') return { address };
  const credentials = `${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`;
  url.username = '';
  url.password = '';
  return {
    address: url.href.replace(/\/+$/, ''),
    authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
  };
}

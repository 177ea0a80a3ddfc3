import type { z } from 'zod';
import type { Json } from '../lib/json.ts';
import type { ProviderName } from './model-config.ts';

export type ProviderKind =
  | 'OLLAMA'
  | 'LLAMACPP'
  | 'OPENAI_COMPATIBLE'
  | 'OPENAI'
  | 'ANTHROPIC'
  | 'EXTRACTIVE';
export type ProviderHealth = 'UP' | 'DEGRADED' | 'DOWN';
export type BreakerState = 'CLOSED' | 'OPEN' | 'HALF_OPEN';

export interface ProviderStatus {
  name: ProviderName;
  kind: ProviderKind;
  status: ProviderHealth;
  /** Where it was looked for; null when it is not configured or is built in. */
  address: string | null;
  models: string[];
  /** The one that is used. */
  model: string | null;
  failure: { code: string; message: string } | null;
  breakerState: BreakerState;
  /** ISO 8601; null before the first probe. */
  checkedAt: string | null;
}

/** One tool call a model asks for. */
export type ToolCall = { id: string; name: string; input: Json };

/** A conversation as plain data, so that it can be part of a step's identity. */
export type ModelTurn =
  | { role: 'user'; text: string }
  | { role: 'assistant'; text: string; toolCalls: ToolCall[] }
  | { role: 'tool'; results: { id: string; name: string; text: string; failed: boolean }[] };

export interface ToolDefinition {
  name: string;
  description: string;
  input: z.ZodType;
}

export interface TextRequest {
  instructions: string;
  turns: readonly ModelTurn[];
  /** Offered to the model; it may answer with calls instead of text. */
  tools?: readonly ToolDefinition[];
  maxOutputTokens?: number;
}

export interface ObjectRequest<T> {
  instructions: string;
  prompt: string;
  schema: z.ZodType<T>;
  /** For example `plan`. */
  schemaName: string;
  maxOutputTokens?: number;
}

export interface ModelUsage {
  provider: ProviderName;
  model: string;
  inputTokens?: number;
  outputTokens?: number;
  costMicroUsd?: number;
}

export interface TextAnswer extends ModelUsage {
  text: string;
  toolCalls: ToolCall[];
  finishReason: string;
}

/** The model answered; whether with what was asked for is the caller's to judge, who may ask it to repair. */
export type ObjectAnswer<T> = ModelUsage & { text: string } & (
    | { ok: true; value: T }
    | { ok: false; problems: string[] }
  );

/** What a call needs from the step it runs in. */
export interface CallRun {
  signal: AbortSignal;
  note(line: string): void;
  emit?(text: string): void;
}

import {
  jsonSchema,
  Output,
  streamText,
  tool,
  type JSONValue,
  type LanguageModel,
  type ModelMessage,
  type ToolSet,
} from 'ai';
import { createAnthropic } from '@ai-sdk/anthropic';
import { createOpenAI } from '@ai-sdk/openai';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { z } from 'zod';
import type { Json } from '../lib/json.ts';
import { SilenceError } from './provider-failure.ts';
import type { Fetch, ProviderTarget } from './provider-probe.ts';
import type { ModelTurn, ToolCall, ToolDefinition } from './model-types.ts';

export interface ProviderCall {
  target: ProviderTarget;
  model: string;
  instructions: string;
  turns: readonly ModelTurn[];
  tools?: readonly ToolDefinition[];
  /** Asks for JSON of this schema, where the provider can be made to. */
  schema?: { name: string; schema: z.ZodType };
  maxOutputTokens?: number;
  /** Longest silence, before the first part of the answer and between two. */
  timeoutMs: number;
  signal: AbortSignal;
  fetch: Fetch;
  onText: (text: string) => void;
}

export interface ProviderAnswer {
  text: string;
  toolCalls: ToolCall[];
  finishReason: string;
  inputTokens: number | undefined;
  outputTokens: number | undefined;
}

/**
 * One request to one provider through the AI SDK, always streamed: only so is a slow provider told from a dead one.
 * @throws what the provider or the connection threw, SilenceError after `timeoutMs` without a part
 */
export async function callProvider(call: ProviderCall): Promise<ProviderAnswer> {
  const silence = new AbortController();
  const { timeoutMs } = call;
  let timer = setTimeout(() => silence.abort(new SilenceError(timeoutMs)), timeoutMs);
  const heard = () => {
    clearTimeout(timer);
    timer = setTimeout(() => silence.abort(new SilenceError(timeoutMs)), timeoutMs);
  };
  try {
    const { stream } = streamText({
      model: languageModel(call.target, call.model, call.fetch),
      instructions: call.instructions,
      messages: call.turns.map(toMessage),
      ...(call.tools && call.tools.length > 0 ? { tools: toToolSet(call.tools) } : {}),
      ...(call.schema
        ? {
            output: Output.object({
              schema: jsonSchema<unknown>(schemaOf(call.schema.schema)),
              name: call.schema.name,
            }),
          }
        : {}),
      ...(call.maxOutputTokens ? { maxOutputTokens: call.maxOutputTokens } : {}),
      // Retrying is the gateway's: one policy, and every try is in the step's record.
      maxRetries: 0,
      abortSignal: AbortSignal.any([call.signal, silence.signal]),
      // Errors arrive as parts of the stream, below; the default prints them.
      onError: () => undefined,
    });
    return await readStream(stream, call.onText, heard);
  } catch (error) {
    if (silence.signal.aborted && !call.signal.aborted) throw silence.signal.reason;
    throw error;
  } finally {
    clearTimeout(timer);
  }
}

type Stream = ReturnType<typeof streamText>['stream'];

async function readStream(
  stream: Stream,
  onText: (text: string) => void,
  heard: () => void,
): Promise<ProviderAnswer> {
  const answer: ProviderAnswer = {
    text: '',
    toolCalls: [],
    finishReason: '',
    inputTokens: undefined,
    outputTokens: undefined,
  };
  for await (const part of stream) {
    if (part.type !== 'start' && part.type !== 'start-step') heard();
    switch (part.type) {
      case 'text-delta':
        answer.text += part.text;
        onText(part.text);
        break;
      case 'tool-call':
        answer.toolCalls.push({
          id: part.toolCallId,
          name: fromWireName(part.toolName),
          input: toJson(part.input),
        });
        break;
      case 'error':
        throw part.error;
      case 'abort':
        throw new DOMException(part.reason ?? 'aborted', 'AbortError');
      case 'finish':
        answer.finishReason = part.finishReason;
        answer.inputTokens = part.totalUsage.inputTokens;
        answer.outputTokens = part.totalUsage.outputTokens;
        break;
      default:
    }
  }
  if (answer.finishReason === '') throw new Error('the answer ended without a finish reason');
  if (answer.finishReason === 'error') throw new Error('the provider ended the answer with an error');
  return answer;
}

function languageModel(target: ProviderTarget, model: string, fetch: Fetch): LanguageModel {
  const { address, apiKey, authorization } = target;
  const key = apiKey ? { apiKey } : authorization ? { headers: { authorization } } : {};
  const baseURL = address ?? '';
  if (target.kind === 'ANTHROPIC') return createAnthropic({ baseURL, fetch, ...key })(model);
  if (target.kind === 'OPENAI') return createOpenAI({ baseURL, fetch, ...key }).chat(model);
  return createOpenAICompatible({
    name: target.name,
    // Ollama and llama.cpp serve OpenAI's protocol below /v1; an OPENAI_BASE_URL already says where.
    baseURL: target.kind === 'OPENAI_COMPATIBLE' ? baseURL : `${baseURL}/v1`,
    fetch,
    includeUsage: true,
    supportsStructuredOutputs: true,
    ...key,
  })(model);
}

/** Providers allow letters, digits, `_` and `-` in a tool's name. */
function toWireName(name: string): string {
  return name.replaceAll('.', '__');
}

function fromWireName(name: string): string {
  return name.replaceAll('__', '.');
}

function toToolSet(tools: readonly ToolDefinition[]): ToolSet {
  return Object.fromEntries(
    tools.map(({ name, description, input }) => [
      toWireName(name),
      // Without execute: running a tool is a step of its own. The tool registry checks the input.
      tool({ description, inputSchema: jsonSchema<unknown>(schemaOf(input)) }),
    ]),
  );
}

function schemaOf(schema: z.ZodType): Parameters<typeof jsonSchema>[0] {
  return z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Parameters<typeof jsonSchema>[0];
}

function toMessage(turn: ModelTurn): ModelMessage {
  if (turn.role === 'user') return { role: 'user', content: turn.text };
  if (turn.role === 'tool') {
    return {
      role: 'tool',
      content: turn.results.map(({ id, name, text, failed }) => ({
        type: 'tool-result',
        toolCallId: id,
        toolName: toWireName(name),
        output: { type: failed ? 'error-text' : 'text', value: text },
      })),
    };
  }
  return {
    role: 'assistant',
    content: [
      ...(turn.text === '' ? [] : [{ type: 'text' as const, text: turn.text }]),
      ...turn.toolCalls.map(({ id, name, input }) => ({
        type: 'tool-call' as const,
        toolCallId: id,
        toolName: toWireName(name),
        input: input as JSONValue,
      })),
    ],
  };
}

function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value ?? null)) as Json;
}

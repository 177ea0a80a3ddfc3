import { afterEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { systemClock } from '../lib/clock.ts';
import { DomainError } from '../lib/errors.ts';
import { defaultModelConfig, type ModelConfig } from './model-config.ts';
import { createModelGateway, type ModelGateway } from './model-gateway.ts';
import type { ProviderStatus } from './model-types.ts';
import { startProviderDouble, type Behaviour, type ProviderDouble } from './provider-double.ts';

const silent = { debug() {}, info() {}, warn() {}, error() {} };
const doubles: ProviderDouble[] = [];
const request = { instructions: 'Answer.', turns: [{ role: 'user' as const, text: 'Hello?' }] };

afterEach(async () => {
  await Promise.all(doubles.splice(0).map((double) => double.close()));
});

async function double(...script: Behaviour[]): Promise<ProviderDouble> {
  const started = await startProviderDouble(script);
  doubles.push(started);
  return started;
}

/** Ollama first, llama.cpp second, then nothing but the extractive provider. */
async function gateway(
  ollama: ProviderDouble | string,
  llamacpp?: ProviderDouble,
  config: Partial<ModelConfig> = {},
) {
  const changes: ProviderStatus[][] = [];
  const models = createModelGateway({
    config: {
      ...defaultModelConfig,
      providers: llamacpp ? ['ollama', 'llamacpp', 'extractive'] : ['ollama', 'extractive'],
      ollamaUrl: typeof ollama === 'string' ? ollama : ollama.url,
      llamacppUrl: llamacpp?.url ?? 'http://127.0.0.1:9',
      timeoutMs: 200,
      ...config,
    },
    clock: systemClock,
    log: silent,
    onChange: (status) => changes.push(status),
  });
  await models.probe();
  return { models, changes };
}

function run(signal = new AbortController().signal) {
  const notes: string[] = [];
  const emitted: string[] = [];
  return {
    notes,
    emitted,
    signal,
    note: (line: string) => void notes.push(line),
    emit: (text: string) => void emitted.push(text),
  };
}

function statusOf(models: ModelGateway, name: string): ProviderStatus {
  return models.status().find((status) => status.name === name)!;
}

describe('model gateway', () => {
  it('streams the answer piece by piece and reports usage at no cost for a local model', async () => {
    const ollama = await double({ do: 'text', text: 'Events come from the log.' });
    const { models } = await gateway(ollama);
    const call = run();
    const answer = await models.generateText(request, call);
    expect(answer).toMatchObject({
      text: 'Events come from the log.',
      provider: 'ollama',
      model: 'test-model',
      inputTokens: 100,
      outputTokens: 20,
      costMicroUsd: 0,
      finishReason: 'stop',
    });
    expect(call.emitted.length).toBeGreaterThan(2);
    expect(call.emitted.join('')).toBe(answer.text);
    expect(models.languageModelConnected).toBe(true);
    expect(models.identity()).toBe('ollama:test-model');
  });

  it('waits as long as a 429 asks for, tries once more and says so', async () => {
    const ollama = await double(
      { do: 'status', status: 429, headers: { 'retry-after': '0.02' } },
      { do: 'text', text: 'ok' },
    );
    const { models } = await gateway(ollama);
    const call = run();
    expect((await models.generateText(request, call)).text).toBe('ok');
    expect(call.notes).toEqual([expect.stringMatching(/^ollama: 429: .*trying again in 20 ms$/)]);
  });

  it('does not wait longer than 5 s for a 429 but goes on to the next provider', async () => {
    const ollama = await double({ do: 'status', status: 429, headers: { 'retry-after': '120' } });
    const llamacpp = await double({ do: 'text', text: 'from llama.cpp' });
    const { models } = await gateway(ollama, llamacpp);
    const call = run();
    expect(await models.generateText(request, call)).toMatchObject({
      text: 'from llama.cpp',
      provider: 'llamacpp',
    });
    expect(call.notes[0]).toMatch(/asks to wait 120 s\); on to the next provider/);
    expect(ollama.requests).toHaveLength(1);
  });

  it('tries a 500 twice, then falls back', async () => {
    const ollama = await double({ do: 'status', status: 500, headers: { 'retry-after': '0' } });
    const llamacpp = await double({ do: 'text', text: 'second' });
    const { models } = await gateway(ollama, llamacpp);
    const call = run();
    expect((await models.generateText(request, call)).provider).toBe('llamacpp');
    expect(ollama.requests).toHaveLength(2);
    expect(call.notes.map((note) => note.replace(/:.*;/, ' …'))).toEqual([
      'ollama … trying again in 0 ms',
      'ollama … on to the next provider',
    ]);
    expect(statusOf(models, 'ollama')).toMatchObject({
      status: 'DEGRADED',
      failure: { code: 'SERVER_ERROR' },
    });
  });

  it('does not repeat a request that the provider refused as wrong', async () => {
    const ollama = await double({ do: 'status', status: 400 });
    const { models } = await gateway(ollama);
    await expect(models.generateText(request, run())).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
    });
    expect(ollama.requests).toHaveLength(1);
  });

  it('gives up on a provider that is silent for the timeout', async () => {
    const ollama = await double({ do: 'hang' });
    const llamacpp = await double({ do: 'text', text: 'awake' });
    const { models } = await gateway(ollama, llamacpp);
    const call = run();
    expect((await models.generateText(request, call)).text).toBe('awake');
    expect(call.notes[0]).toMatch(/ollama: no answer for 200 ms/);
  });

  it('fails the attempt when a stream breaks after text was shown, and asks nobody else', async () => {
    const ollama = await double({ do: 'truncate', text: 'Events come fr' });
    const llamacpp = await double({ do: 'text', text: 'something else' });
    const { models } = await gateway(ollama, llamacpp);
    const call = run();
    await expect(models.generateText(request, call)).rejects.toMatchObject({
      code: 'UNAVAILABLE',
      retryable: true,
    });
    expect('Events come fr'.startsWith(call.emitted.join(''))).toBe(true);
    expect(call.emitted.join('')).not.toBe('');
    expect(call.notes.at(-1)).toMatch(/broke off after \d+ characters/);
    expect(llamacpp.requests).toHaveLength(0);
  });

  it('falls back after a truncated stream of which nothing was shown', async () => {
    const ollama = await double({ do: 'truncate', text: '{"answer": "x' });
    const llamacpp = await double({ do: 'text', text: '{"answer": "whole"}' });
    const { models } = await gateway(ollama, llamacpp);
    const call = run();
    const schema = z.object({ answer: z.string() });
    const answer = await models.generateObject(
      { instructions: 'x', prompt: 'y', schema, schemaName: 'answer' },
      call,
    );
    expect(answer).toMatchObject({ ok: true, value: { answer: 'whole' }, provider: 'llamacpp' });
    expect(call.notes).toHaveLength(2);
    expect(call.emitted).toEqual([]);
  }, 10_000);

  it('opens the breaker after five failures in a row, passes the provider over and lets one call try later', async () => {
    const ollama = await double({ do: 'status', status: 503, headers: { 'retry-after': '0' } });
    const { models, changes } = await gateway(ollama, undefined, { breakerCooldownMs: 150 });
    for (let count = 0; count < 3; count += 1)
      await expect(models.generateText(request, run())).rejects.toThrow(DomainError);
    expect(ollama.requests).toHaveLength(5);
    expect(statusOf(models, 'ollama')).toMatchObject({ status: 'DOWN', breakerState: 'OPEN' });
    expect(models.languageModelConnected).toBe(false);
    const refused = run();
    await expect(models.generateText(request, refused)).rejects.toThrow(/breaker open/);
    expect(refused.notes[0]).toMatch(/ollama: breaker open .*passed over/);
    expect(ollama.requests).toHaveLength(5);
    ollama.script = [{ do: 'text', text: 'back' }];
    await systemClock.sleep(170);
    expect(statusOf(models, 'ollama').breakerState).toBe('HALF_OPEN');
    expect((await models.generateText(request, run())).text).toBe('back');
    expect(statusOf(models, 'ollama')).toMatchObject({ status: 'UP', breakerState: 'CLOSED', failure: null });
    expect(changes.length).toBeGreaterThan(2);
  });

  it('looks for providers before the first answer to whether one is there', async () => {
    const ollama = await double({ do: 'text', text: 'x' });
    const config = {
      ...defaultModelConfig,
      providers: ['ollama', 'extractive'] as const,
      ollamaUrl: ollama.url,
    };
    const models = createModelGateway({ config, clock: systemClock, log: silent });
    expect(models.languageModelConnected).toBe(false);
    await models.ready();
    expect(models.languageModelConnected).toBe(true);
  });

  it('names the address of a provider that is not there and is not connected', async () => {
    const { models } = await gateway('http://127.0.0.1:9');
    expect(models.languageModelConnected).toBe(false);
    expect(models.identity()).toBe('extractive');
    expect(statusOf(models, 'ollama')).toMatchObject({
      status: 'DOWN',
      address: 'http://127.0.0.1:9',
      failure: { code: 'UNREACHABLE' },
      models: [],
    });
    expect(statusOf(models, 'extractive')).toMatchObject({ status: 'UP', kind: 'EXTRACTIVE' });
    await expect(models.generateText(request, run())).rejects.toThrow(/127\.0\.0\.1:9/);
  });

  it('knows at once when a provider that was there refuses connections', async () => {
    const ollama = await double({ do: 'text', text: 'x' });
    const { models } = await gateway(ollama);
    await ollama.close();
    await expect(models.generateText(request, run())).rejects.toThrow(DomainError);
    expect(models.languageModelConnected).toBe(false);
    expect(statusOf(models, 'ollama')).toMatchObject({ status: 'DOWN', failure: { code: 'UNREACHABLE' } });
  });

  it('stops at once when the caller does, without a mark against the provider', async () => {
    const ollama = await double({ do: 'hang' });
    const { models } = await gateway(ollama, undefined, { timeoutMs: 5_000 });
    const stop = new AbortController();
    const waiting = models.generateText(request, run(stop.signal));
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop.abort(new DomainError('TIMEOUT', 'canceled by test'));
    await expect(waiting).rejects.toThrow('canceled by test');
    expect(statusOf(models, 'ollama')).toMatchObject({ status: 'UP', failure: null });
  });

  it('takes over changed settings, keeping what it knows of a provider that did not change', async () => {
    const ollama = await double({ do: 'status', status: 500, headers: { 'retry-after': '0' } });
    const llamacpp = await double({ do: 'text', text: 'x' });
    const { models } = await gateway(ollama);
    await expect(models.generateText(request, run())).rejects.toThrow(DomainError);
    const next = { ...defaultModelConfig, timeoutMs: 200, ollamaUrl: ollama.url, llamacppUrl: llamacpp.url };
    await models.configure({ ...next, providers: ['llamacpp', 'ollama'] });
    expect(models.identity()).toBe('llamacpp:test-model');
    expect(models.extractiveAllowed).toBe(false);
    expect(statusOf(models, 'ollama')).toMatchObject({
      status: 'DEGRADED',
      failure: { code: 'SERVER_ERROR' },
    });
  });

  it('sends a password in an address as a header and never shows it', async () => {
    const ollama = await double({ do: 'text', text: 'ok' });
    const { models } = await gateway(ollama.url.replace('http://', 'http://me:s3cret@'));
    expect((await models.generateText(request, run())).text).toBe('ok');
    expect(JSON.stringify(models.status())).not.toContain('s3cret');
    expect(statusOf(models, 'ollama').address).toBe(ollama.url);
  });

  it('returns tool calls under their own names', async () => {
    const ollama = await double({ do: 'tool', name: 'project__search', input: { query: 'events' } });
    const { models } = await gateway(ollama);
    const tools = [{ name: 'project.search', description: 'search', input: z.object({ query: z.string() }) }];
    const answer = await models.generateText({ ...request, tools }, run());
    expect(answer.toolCalls).toEqual([{ id: 'call_1', name: 'project.search', input: { query: 'events' } }]);
    expect(ollama.requests[0]!.tools).toMatchObject([{ function: { name: 'project__search' } }]);
  });

  it('returns an answer that does not fit the schema with its problems', async () => {
    const ollama = await double({ do: 'text', text: 'Here is my plan: {"nodes": "many"}' });
    const { models } = await gateway(ollama);
    const schema = z.object({ nodes: z.array(z.string()) });
    const answer = await models.generateObject(
      { instructions: 'x', prompt: 'y', schema, schemaName: 'plan' },
      run(),
    );
    expect(answer).toMatchObject({ ok: false, problems: [expect.stringMatching(/^nodes: /)] });
    expect(ollama.requests[0]!.response_format).toMatchObject({ type: 'json_schema' });
  });
});

import { describe, expect, it } from 'vitest';
import { parseObject } from './parse-object.ts';
import { z } from 'zod';
import { costMicroUsd } from './price-table.ts';
import { retryAfterMs } from './provider-failure.ts';
import { chooseModel, providerTarget } from './provider-probe.ts';
import { defaultModelConfig } from './model-config.ts';

const usage = { inputTokens: 1_000, outputTokens: 100 };

describe('cost', () => {
  it('is nothing on one’s own machine', () => {
    expect(costMicroUsd('ollama', 'anything', {})).toBe(0);
  });
  it('follows the list price of the longest known name, snapshots included', () => {
    expect(costMicroUsd('openai', 'gpt-4o-mini-2024-07-18', usage)).toBe(Math.ceil(150 + 60));
    expect(costMicroUsd('anthropic', 'claude-sonnet-4-20250514', usage)).toBe(3_000 + 1_500);
  });
  it('is unknown, not zero, for an unknown model, another server or missing usage', () => {
    expect(costMicroUsd('openai', 'gpt-99', usage)).toBeUndefined();
    expect(costMicroUsd('openai', 'gpt-5.1', usage)).toBeUndefined();
    expect(costMicroUsd('openai', 'gpt-4o', usage, true)).toBeUndefined();
    expect(costMicroUsd('openai', 'gpt-4o', { inputTokens: 5 })).toBeUndefined();
  });
});

describe('Retry-After', () => {
  it('is read as seconds, as a date, or in milliseconds', () => {
    expect(retryAfterMs({ 'retry-after': '2' }, 0)).toBe(2_000);
    expect(retryAfterMs({ 'retry-after': 'Thu, 01 Jan 1970 00:00:10 GMT' }, 4_000)).toBe(6_000);
    expect(retryAfterMs({ 'retry-after-ms': '30', 'retry-after': '2' }, 0)).toBe(30);
    expect(retryAfterMs({ 'retry-after': 'soon' }, 0)).toBeUndefined();
    expect(retryAfterMs(undefined, 0)).toBeUndefined();
  });
});

describe('model choice', () => {
  const ollama = providerTarget('ollama', defaultModelConfig);
  it('skips models that write no text', () => {
    expect(chooseModel(ollama, ['nomic-embed-text:latest', 'llama3.2:3b'], undefined)).toBe('llama3.2:3b');
    expect(chooseModel(ollama, ['nomic-embed-text:latest'], undefined)).toBeUndefined();
  });
  it('obeys the configuration', () => {
    expect(chooseModel(ollama, ['llama3.2:3b'], 'qwen3')).toBe('qwen3');
  });
  it('says which setting is missing', () => {
    expect(providerTarget('openai', defaultModelConfig)).toMatchObject({
      address: null,
      missing: expect.stringContaining('OPENAI_API_KEY'),
    });
    expect(providerTarget('openai', { ...defaultModelConfig, openaiBaseUrl: 'http://h/v1/' })).toMatchObject({
      kind: 'OPENAI_COMPATIBLE',
      address: 'http://h/v1',
    });
  });
});

describe('JSON in an answer', () => {
  const schema = z.object({ a: z.number() });
  it.each(['{"a":1}', '```json\n{"a":1}\n```', 'Sure! {"a":1} Hope it helps.'])('is found in %j', (text) => {
    expect(parseObject(text, schema)).toEqual({ ok: true, value: { a: 1 } });
  });
  it.each(['', 'no', '{"a":', '[1,2', '{"a":"x"}'])('is refused with a reason in %j', (text) => {
    expect(parseObject(text, schema)).toMatchObject({ ok: false, problems: [expect.any(String)] });
  });
});

import type { z } from 'zod';
import { messageOf } from '../lib/errors.ts';

/** The JSON value in a model's answer, checked. Small models wrap it in a code fence or in a sentence. */
export function parseObject<T>(
  text: string,
  schema: z.ZodType<T>,
): { ok: true; value: T } | { ok: false; problems: string[] } {
  const found = findJson(text);
  if (!found.ok) return { ok: false, problems: [found.problem] };
  const parsed = schema.safeParse(found.value);
  if (parsed.success) return { ok: true, value: parsed.data };
  const problems = parsed.error.issues
    .slice(0, 20)
    .map((issue) => `${issue.path.map(String).join('.') || 'value'}: ${issue.message}`);
  return { ok: false, problems };
}

function findJson(text: string): { ok: true; value: unknown } | { ok: false; problem: string } {
  const fenced = /```(?:json)?\s*([\s\S]*?)```/.exec(text)?.[1];
  const start = text.search(/[[{]/);
  const end = Math.max(text.lastIndexOf('}'), text.lastIndexOf(']'));
  const candidates = [text, fenced, start >= 0 && end > start ? text.slice(start, end + 1) : undefined];
  let problem = 'the answer holds no JSON';
  for (const candidate of candidates) {
    if (candidate === undefined || candidate.trim() === '') continue;
    try {
      return { ok: true, value: JSON.parse(candidate) as unknown };
    } catch (error) {
      problem = `the answer is not JSON: ${messageOf(error)}`;
    }
  }
  return { ok: false, problem };
}

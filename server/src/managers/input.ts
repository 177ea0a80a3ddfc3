import { z } from 'zod';
import { ValidationError } from '../lib/errors.ts';

/** Text a person typed: trimmed, not empty, of limited length, storable. */
export function plainText(maxLength: number) {
  return z
    .string()
    .trim()
    .min(1, 'must not be empty')
    .max(maxLength, `must have at most ${maxLength.toLocaleString('en')} characters`)
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must not contain NUL or broken Unicode');
}

/** @throws ValidationError with every refused field and its value */
export function parseInput<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new ValidationError(
    parsed.error.issues.map((issue) => {
      const refused = issue.path.reduce<unknown>(
        (current, part) => (current as { [part: PropertyKey]: unknown })?.[part],
        value,
      );
      const path = issue.path.map(String).join('.') || 'input';
      const field = { path, message: issue.message };
      const text = typeof refused === 'string' ? refused : JSON.stringify(refused);
      if (text === undefined || typeof refused === 'object') return field;
      return { ...field, value: text.length > 200 ? `${text.slice(0, 199)}…` : text };
    }),
  );
}

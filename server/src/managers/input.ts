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
      const refused = issue.path.reduce<unknown>((current, part) => (current as { [part: PropertyKey]: unknown })?.[part], value);
      const path = issue.path.map(String).join('.') || 'input';
      const field = { path, message: issue.message };
      if (refused === undefined || (typeof refused === 'object' && refused !== null)) return field;
      const text = typeof refused === 'string' ? refused : String(refused);
      return { ...field, value: text.length > 200 ? `${text.slice(0, 199)}…` : text };
    }),
  );
}

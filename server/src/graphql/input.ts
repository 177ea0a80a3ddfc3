import { idempotencyDays } from '../stores/idempotency-store.ts';

/** Options of every mutation’s `idempotencyKey`. */
export const idempotencyKeyField = {
  description: `Makes a repeat safe for ${idempotencyDays} days: the same mutation with the same key and input gives what the first one changed, with another input an IdempotencyConflictError; 1 to 200 characters.`,
};

type Given<T> = {
  [Key in keyof T as null extends T[Key] ? never : undefined extends T[Key] ? never : Key]: T[Key];
} & {
  [Key in keyof T as null extends T[Key] ? Key : undefined extends T[Key] ? Key : never]?: NonNullable<
    T[Key]
  >;
};

/** Leaves out what is null or absent: to a manager both mean "not given". */
export function given<T extends object>(input: T): Given<T> {
  return Object.fromEntries(
    Object.entries(input).filter(([, value]) => value !== null && value !== undefined),
  ) as Given<T>;
}

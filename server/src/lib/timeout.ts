import { DomainError } from './errors.ts';

/** Limit of calls between components of the server, ms (PRODUCT.md, B). Agents and tasks have limits of their own. */
export const internalTimeoutMs = 5_000;

/** @throws DomainError TIMEOUT naming the call when it takes longer; the work itself goes on and its result is dropped */
export async function withTimeout<T>(
  name: string,
  work: Promise<T>,
  limitMs: number = internalTimeoutMs,
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new DomainError('TIMEOUT', `${name} did not finish within ${limitMs} ms. Try again.`, {
            retryable: true,
          }),
        ),
      limitMs,
    );
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}

export interface BackoffPolicy {
  initialMs: number;
  factor: number;
  maxMs: number;
}

/**
 * Delay before the next try, in ms: exponential with full jitter over the upper half, so that many failures at
 * once spread out and none comes back at once ("equal jitter", AWS Architecture Blog, 2015).
 * @param attempt tries made so far, from 1
 * @param random uniform in [0, 1)
 */
export function backoffMs(
  policy: BackoffPolicy,
  attempt: number,
  random: () => number = Math.random,
): number {
  const ceiling = Math.min(policy.maxMs, policy.initialMs * policy.factor ** Math.max(0, attempt - 1));
  return Math.round(ceiling / 2 + (random() * ceiling) / 2);
}

export interface SavedCursor {
  cursor: string;
  /** Milliseconds since the epoch. */
  savedAt: number;
}

/** After longer than this it is cheaper to read what is on screen again than to replay everything that happened. */
const REPLAY_AT_MOST_MS = 6 * 60 * 60 * 1_000;

/** @returns the cursor to go on behind, or undefined to start at the newest event. */
export function startingCursor(saved: SavedCursor | undefined, nowMs: number): string | undefined {
  if (!saved) return undefined;
  const ageMs = nowMs - saved.savedAt;
  return ageMs >= 0 && ageMs <= REPLAY_AT_MOST_MS ? saved.cursor : undefined;
}

const REFUSALS = new Set(['VALIDATION', 'BAD_USER_INPUT', 'NOT_FOUND', 'INVALID_CURSOR', 'CURSOR_EXPIRED']);

/** Whether the server will never accept this cursor: malformed, from another hive, or older than what it keeps. */
export function isCursorRefused(error: {
  graphQLErrors: readonly { message: string; extensions?: Record<string, unknown> | undefined }[];
}): boolean {
  return error.graphQLErrors.some(({ message, extensions }) => {
    const code = extensions?.['code'];
    return typeof code === 'string' ? REFUSALS.has(code) : /cursor/i.test(message);
  });
}

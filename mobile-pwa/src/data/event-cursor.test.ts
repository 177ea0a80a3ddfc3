import { describe, expect, it } from 'vitest';
import { isCursorRefused, startingCursor } from './event-cursor.ts';

const HOUR_MS = 3_600_000;

describe('event cursor', () => {
  it('goes on behind the last event after a reload or a night', () => {
    expect(startingCursor({ cursor: 'c', savedAt: 0 }, 5 * HOUR_MS)).toBe('c');
  });

  it('starts at the newest event without a cursor, after days, or when the clock went back', () => {
    expect(startingCursor(undefined, 0)).toBeUndefined();
    expect(startingCursor({ cursor: 'c', savedAt: 0 }, 48 * HOUR_MS)).toBeUndefined();
    expect(startingCursor({ cursor: 'c', savedAt: 10 }, 0)).toBeUndefined();
  });

  it('is dropped when the server will never accept it, and kept when the server is in trouble', () => {
    const refused = (code?: string, message = 'no') =>
      isCursorRefused({ graphQLErrors: [{ message, ...(code ? { extensions: { code } } : {}) }] });
    expect(refused('VALIDATION')).toBe(true);
    expect(refused(undefined, 'The cursor is malformed.')).toBe(true);
    expect(refused('INTERNAL', 'cursor')).toBe(false);
    expect(isCursorRefused({ graphQLErrors: [] })).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import {
  elapsedMs,
  formatAge,
  formatBytes,
  formatCost,
  formatDuration,
  formatPlace,
  formatUntil,
} from './format.ts';

describe('format', () => {
  it('tells durations in the unit a person would use', () => {
    expect([40, 400, 12_300, 60_000, 185_000, 7_800_000].map(formatDuration)).toEqual([
      '40 ms',
      '0.4 s',
      '12 s',
      '1 min',
      '3 min 05 s',
      '2 h 10 min',
    ]);
  });

  it('calls the last seconds, and a clock that is ahead, just now', () => {
    expect(formatAge(1_000, 20_000)).toBe('just now');
    expect(formatAge(20_000, 1_000)).toBe('just now');
  });

  it('names a place in a file', () => {
    expect(formatPlace('a.ts', null, null)).toBe('a.ts');
    expect(formatPlace('a.ts', 3, 3)).toBe('a.ts:3');
    expect(formatPlace('a.ts', 3, 9)).toBe('a.ts:3–9');
  });

  it('keeps small sums above zero', () => {
    expect([0, 1_200, 1_230_000].map(formatCost)).toEqual(['$0', '$0.0012', '$1.23']);
  });

  it('rounds bytes', () => {
    expect([812, 1_430, 26_400_000].map(formatBytes)).toEqual(['812 B', '1.4 kB', '26 MB']);
  });

  it('counts the time of what still runs up to now, and of what never started not at all', () => {
    expect(elapsedMs('1970-01-01T00:00:01Z', null, 3_000)).toBe(2_000);
    expect(elapsedMs(null, null, 3_000)).toBeNull();
  });
});

it('says how long something still lasts', () => {
  const now = Date.parse('2026-11-20T12:00:00Z');
  expect(formatUntil('2026-11-20T11:59:59Z', now)).toBe('expired');
  expect(formatUntil('2026-11-20T12:20:00Z', now)).toContain('20');
  expect(formatUntil('2026-12-20T12:00:00Z', now)).toContain('30');
});

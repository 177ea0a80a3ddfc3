import { expect, it } from 'vitest';
import { emptyCells, honeycombRows } from './honeycomb.ts';

it('alternates full rows with rows of one fewer and loses nobody', () => {
  expect(honeycombRows('abcdefghij'.split(''), 3).map((row) => row.join(''))).toEqual([
    'abc',
    'de',
    'fgh',
    'ij',
  ]);
  expect(honeycombRows([], 3)).toEqual([]);
  expect(honeycombRows('abc'.split(''), 1).map((row) => row.join(''))).toEqual(['ab', 'c']);
});

it('fills the last row and adds one of empty cells', () => {
  expect(emptyCells(4, 3)).toBe(1 + 3);
  expect(emptyCells(5, 3)).toBe(3);
  expect(emptyCells(3, 3)).toBe(2);
});

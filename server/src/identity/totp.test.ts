import { expect, it } from 'vitest';
import { findTotpCounter, totpAt } from './totp.ts';

// RFC 6238, appendix B: SHA-1; the last six of its eight digits.
const secret = '12345678901234567890';
const vectors: [seconds: number, code: string][] = [
  [59, '287082'],
  [1_111_111_109, '081804'],
  [1_111_111_111, '050471'],
  [1_234_567_890, '005924'],
  [2_000_000_000, '279037'],
  [20_000_000_000, '353130'],
];

it.each(vectors)('agrees with RFC 6238 at %i s', (seconds, code) => {
  const counter = Math.floor(seconds / 30);
  expect(totpAt(secret, counter)).toBe(code);
  expect(findTotpCounter(secret, code, seconds * 1_000)).toBe(counter);
});

it('allows one step of drift either way, and spaces', () => {
  const at = 1_234_567_890_000;
  const counter = Math.floor(at / 30_000);
  for (const drift of [-1, 0, 1])
    expect(findTotpCounter(secret, totpAt(secret, counter + drift), at)).toBe(counter + drift);
  for (const drift of [-2, 2])
    expect(findTotpCounter(secret, totpAt(secret, counter + drift), at)).toBeUndefined();
  expect(findTotpCounter(secret, '005 924', at)).toBe(counter);
});

it('takes nothing but six digits', () => {
  for (const code of ['', '12345', '1234567', 'abcdef', '１２３４５６'])
    expect(findTotpCounter(secret, code, 59_000)).toBeUndefined();
});

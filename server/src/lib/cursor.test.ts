import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { comparePositions, decodeCursor, encodeCursor } from './cursor.ts';
import { ValidationError } from './errors.ts';

const position = fc.record({ xid: fc.bigInt(0n, 2n ** 64n - 1n), seq: fc.bigInt(0n, 2n ** 63n - 1n) });

describe('cursors', () => {
  it('give back the position they were made of', () => {
    fc.assert(
      fc.property(position, (given) => {
        expect(decodeCursor(encodeCursor(given))).toEqual(given);
      }),
    );
  });

  it('order like their positions: a total order', () => {
    fc.assert(
      fc.property(position, position, position, (a, b, c) => {
        expect(Math.sign(comparePositions(a, b))).toBe(-Math.sign(comparePositions(b, a)));
        expect(comparePositions(a, a)).toBe(0);
        if (comparePositions(a, b) <= 0 && comparePositions(b, c) <= 0)
          expect(comparePositions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  it('are refused when they are anything else', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: 'binary', maxLength: 300 }),
      fc.base64String(),
      fc.stringMatching(/^e1\.\d+\.\d+$/).map((plain) => Buffer.from(plain).toString('base64url')),
    );
    fc.assert(
      fc.property(text, (given) => {
        try {
          expect(encodeCursor(decodeCursor(given))).toBe(given);
        } catch (error) {
          expect(error).toBeInstanceOf(ValidationError);
        }
      }),
    );
  });

  it('name the field they were given in', () => {
    expect(() => decodeCursor('x', 'before')).toThrow(/^before: is not a cursor/);
    const tooLarge = Buffer.from(`e1.${2n ** 64n}.1`).toString('base64url');
    expect(() => decodeCursor(tooLarge)).toThrow(ValidationError);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyDelta, emptyOutput, type Delta } from './output-text.ts';

const delta = (attempt: number, offset: number, text: string, done = false): Delta => ({
  attempt,
  offset,
  text,
  done,
  cursor: `${attempt}:${offset + text.length}`,
});

describe('streamed output', () => {
  it('is the same whatever is repeated, as long as nothing is missing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.string({ minLength: 1 }), { maxLength: 20 }),
        fc.array(fc.nat()),
        (pieces, repeats) => {
          const deltas = pieces.map((text, index) => delta(1, pieces.slice(0, index).join('').length, text));
          let state = emptyOutput;
          for (const [index, piece] of deltas.entries()) {
            state = applyDelta(state, piece);
            const again = deltas[(repeats[index] ?? 0) % (index + 1)];
            if (again) state = applyDelta(state, again);
          }
          expect(state.text).toBe(pieces.join(''));
          expect(state.gap).toBe(false);
        },
      ),
    );
  });

  it('takes only the new part of an overlapping piece', () => {
    const state = applyDelta(applyDelta(emptyOutput, delta(1, 0, 'abcd')), delta(1, 2, 'cdef'));
    expect(state.text).toBe('abcdef');
  });

  it('starts over with a new attempt and ignores the old one afterwards', () => {
    let state = applyDelta(emptyOutput, delta(1, 0, 'old'));
    state = applyDelta(state, delta(2, 0, 'new'));
    expect(applyDelta(state, delta(1, 3, 'er'))).toBe(state);
    expect(state.text).toBe('new');
  });

  it('reports a missing piece instead of joining what does not belong together', () => {
    expect(applyDelta(applyDelta(emptyOutput, delta(1, 0, 'a')), delta(1, 5, 'f')).gap).toBe(true);
  });

  it('remembers that the attempt has ended', () => {
    const state = applyDelta(applyDelta(emptyOutput, delta(1, 0, 'a')), delta(1, 1, '', true));
    expect(state).toMatchObject({ text: 'a', done: true });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storableText } from '../../lib/json.ts';
import { maxOutputUnits, OutputStream, type OutputPiece } from './output-stream.ts';

function stream() {
  const [shown, saved]: [OutputPiece[], OutputPiece[]] = [[], []];
  const output = new OutputStream({
    task: { id: 't', workspaceId: 'w', attempt: 1 },
    onPiece: (piece) => shown.push(piece),
    save: async (piece) => void saved.push(piece),
    onSaveFailed: (error) => {
      throw error;
    },
  });
  return { output, shown, saved };
}
const textOf = (pieces: OutputPiece[]) => pieces.map((piece) => piece.text).join('');

describe('streamed text', () => {
  it('arrives whole wherever it is cut, shown and saved, with the offsets of its pieces', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.string({ unit: 'binary', maxLength: 60 }),
        fc.array(fc.nat(120), { maxLength: 12 }),
        async (text, cuts) => {
          const { output, shown, saved } = stream();
          const at = [0, ...cuts.map((cut) => Math.min(cut, text.length)).sort((l, r) => l - r), text.length];
          for (let index = 1; index < at.length; index += 1)
            output.emit(text.slice(at[index - 1], at[index]));
          await output.flush();
          for (const pieces of [shown, saved]) {
            expect(textOf(pieces)).toBe(storableText(text));
            let offset = 0;
            for (const piece of pieces) {
              expect(piece.offset).toBe(offset);
              expect(piece.text.isWellFormed()).toBe(true);
              offset += piece.text.length;
            }
          }
        },
      ),
    );
  });

  it('ends at its limit, also in the middle of a pair', async () => {
    const { output, shown, saved } = stream();
    output.emit(`x${'🐝'.repeat(maxOutputUnits)}`);
    output.emit('more');
    await output.flush();
    expect(textOf(shown)).toHaveLength(maxOutputUnits);
    expect(textOf(shown).isWellFormed()).toBe(true);
    expect(textOf(saved)).toBe(textOf(shown));
  });
});

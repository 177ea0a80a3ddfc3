import { describe, expect, it } from 'vitest';
import { splitNotice } from './extractive-notice.ts';

describe('extractive notice', () => {
  it('says that no model is connected, and the way to connect one, once', () => {
    expect(
      splitNotice(
        'extractive, no language model connected. To connect one: start Ollama at http://127.0.0.1:11434.',
      ),
    ).toEqual({
      heading: 'Extractive, no language model connected',
      detail: 'To connect one: start Ollama at http://127.0.0.1:11434.',
    });
  });

  it('does not claim that none is connected when one did not answer', () => {
    expect(splitNotice('extractive: no language model answered in time')).toEqual({
      heading: 'Extractive, no language model answered in time',
      detail: '',
    });
  });

  it('shows any other words as they are', () => {
    expect(splitNotice('By TextRank.').detail).toBe('By TextRank.');
    expect(splitNotice('').heading).toBe('Extractive, no language model connected');
  });
});

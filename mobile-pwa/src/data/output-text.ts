/** A piece of streamed text; `offset` counts UTF-16 units from the start of the attempt's text. */
export interface Delta {
  attempt: number;
  offset: number;
  text: string;
  done: boolean;
  cursor: string;
}

/** What has arrived of the newest attempt's text. */
export interface OutputText {
  attempt: number;
  text: string;
  done: boolean;
  /** Where to go on after a break; null before the first piece. */
  cursor: string | null;
  /** A piece is missing: start over from the beginning. */
  gap: boolean;
}

export const emptyOutput: OutputText = { attempt: 0, text: '', done: false, cursor: null, gap: false };

/** Adds a piece. Pieces seen before, and pieces of an attempt that is over, change nothing. */
export function applyDelta(state: OutputText, delta: Delta): OutputText {
  if (delta.attempt < state.attempt) return state;
  const base = delta.attempt > state.attempt ? { ...emptyOutput, attempt: delta.attempt } : state;
  if (delta.offset > base.text.length) return { ...base, gap: true };
  const fresh = delta.text.slice(base.text.length - delta.offset);
  return {
    attempt: delta.attempt,
    text: base.text + fresh,
    done: base.done || delta.done,
    cursor: delta.cursor,
    gap: false,
  };
}

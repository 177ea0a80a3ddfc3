import { storableText } from '../../lib/json.ts';

export interface OutputPiece {
  workspaceId: string;
  taskId: string;
  attempt: number;
  /** Where `text` starts, in UTF-16 units from the start of the attempt's text. */
  offset: number;
  text: string;
}

export interface OutputStreamOptions {
  task: { id: string; workspaceId: string; attempt: number };
  /** Called for every piece at once: what watchers see. */
  onPiece(piece: OutputPiece): void;
  /** Saves a longer piece; called one at a time. */
  save(piece: OutputPiece): Promise<void>;
  onSaveFailed(error: unknown): void;
}

const saveEveryMs = 250;
const saveEveryUnits = 4_096;
/** More than any answer; an endless stream must not fill memory and database. */
export const maxOutputUnits = 2_000_000;

const endsInHalf = /[\uD800-\uDBFF]$/;

/** The text of one attempt while it grows: shown piece by piece, saved in chunks. */
export class OutputStream {
  readonly #options: OutputStreamOptions;
  #offset = 0;
  /** The first half of a surrogate pair whose second half has still to come. */
  #half = '';
  #unsaved = '';
  #timer: NodeJS.Timeout | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(options: OutputStreamOptions) {
    this.#options = options;
  }

  emit(raw: string): void {
    const joined = this.#half + raw;
    this.#half = endsInHalf.exec(joined)?.[0] ?? '';
    const whole = storableText(joined.slice(0, joined.length - this.#half.length));
    // the limit may cut a pair in two
    const text = whole.slice(0, Math.max(0, maxOutputUnits - this.#offset)).toWellFormed();
    if (text === '') return;
    this.#options.onPiece({ ...this.#base(), offset: this.#offset, text });
    this.#offset += text.length;
    this.#unsaved += text;
    if (this.#unsaved.length >= saveEveryUnits) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), saveEveryMs);
  }

  /** Resolves when everything emitted so far is saved, or its failure was reported. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const text = this.#unsaved;
    if (text === '') return this.#saving;
    this.#unsaved = '';
    const piece = { ...this.#base(), offset: this.#offset - text.length, text };
    this.#saving = this.#saving.then(() => this.#options.save(piece)).catch(this.#options.onSaveFailed);
    return this.#saving;
  }

  #base() {
    const { id, workspaceId, attempt } = this.#options.task;
    return { taskId: id, workspaceId, attempt };
  }
}

import type { Pool } from 'pg';
import { NotFoundError, ValidationError } from '../lib/errors.ts';
import { findOutputState, listChunks } from '../stores/output-store.ts';
import { sqlOfTenant, type Tenancy } from '../stores/tenancy.ts';
import { readPatiently } from './read-patiently.ts';

/** A piece of a task's streamed text as watchers get it. */
export interface OutputDelta {
  taskId: string;
  attempt: number;
  /** Where `text` starts in the attempt's text, UTF-16 units. */
  offset: number;
  text: string;
  /** The attempt has ended; nothing of it follows. */
  done: boolean;
  /** Opaque; pass it back as `after`. */
  cursor: string;
}

interface LiveText {
  attempt: number;
  text: string;
  ended: boolean;
  watchers: Set<() => void>;
}

/** How often the saved text of a task running on another node is looked at, ms. */
const remotePollMs = 300;

const plainCursor = /^o1\.(\d{1,9})\.(\d{1,9})$/;

function encodeOutputCursor(attempt: number, offset: number): string {
  return Buffer.from(`o1.${attempt}.${offset}`).toString('base64url');
}

function decodeOutputCursor(cursor: string): { attempt: number; offset: number } {
  const match =
    cursor.length <= 60 ? plainCursor.exec(Buffer.from(cursor, 'base64url').toString('latin1')) : null;
  if (match) return { attempt: Number(match[1]), offset: Number(match[2]) };
  throw new ValidationError([
    {
      path: 'after',
      message: 'is not a cursor of a task output; leave it out to start anew',
      value: cursor.slice(0, 200),
    },
  ]);
}

/**
 * Streamed text: pieces of attempts running here come from memory the moment they are made, everything else from the
 * saved chunks. A late watcher gets the whole text, a resumed one exactly what it has not seen.
 */
export class OutputFeed {
  readonly #tenantPool: Pool;
  readonly #live = new Map<string, LiveText>();
  readonly #arrivals = new Map<string, Set<() => void>>();

  constructor(tenantPool: Pool) {
    this.#tenantPool = tenantPool;
  }

  publish(piece: { taskId: string; attempt: number; text: string }): void {
    let live = this.#live.get(piece.taskId);
    if (!live || live.attempt !== piece.attempt) {
      live = { attempt: piece.attempt, text: '', ended: false, watchers: new Set() };
      this.#live.set(piece.taskId, live);
      for (const wake of this.#arrivals.get(piece.taskId) ?? []) wake();
    }
    live.text += piece.text;
    for (const wake of live.watchers) wake();
  }

  /** The attempt's text is complete and saved: memory lets go of it. */
  end(task: { id: string; attempt: number }): void {
    for (const wake of this.#arrivals.get(task.id) ?? []) wake();
    const live = this.#live.get(task.id);
    if (!live || live.attempt !== task.attempt) return;
    this.#live.delete(task.id);
    live.ended = true;
    for (const wake of live.watchers) wake();
  }

  /**
   * Ends after the task has.
   * @throws NotFoundError, or ValidationError for a malformed cursor
   */
  async *follow(
    options: Tenancy & { taskId: string; after?: string | null | undefined },
    signal: AbortSignal,
  ): AsyncGenerator<OutputDelta, void, undefined> {
    const { workspaceId, taskId } = options;
    const sql = sqlOfTenant(this.#tenantPool, options);
    let { attempt, offset } =
      typeof options.after === 'string' ? decodeOutputCursor(options.after) : { attempt: 0, offset: 0 };
    let announcedEnd = -1;
    const delta = (text: string, done: boolean): OutputDelta => {
      const start = offset;
      offset += text.length;
      return { taskId, attempt, offset: start, text, done, cursor: encodeOutputCursor(attempt, offset) };
    };
    while (!signal.aborted) {
      // Watched from before the reads, so that an attempt that starts or ends during them is not missed.
      const arrival = this.#awaitArrival(taskId, signal);
      const live = this.#live.get(taskId);
      // The state before the chunks: once the task has ended, all of its text is saved.
      const state = await readPatiently(() => findOutputState(sql, workspaceId, taskId), signal);
      if (!state) throw new NotFoundError('Task', taskId);
      const position = { workspaceId, taskId, attempt, offset };
      for (const chunk of await readPatiently(() => listChunks(sql, position), signal)) {
        if (live && chunk.attempt >= live.attempt) break;
        if (chunk.attempt > attempt) [attempt, offset] = [chunk.attempt, 0];
        const unseen = chunk.text.slice(Math.max(0, offset - chunk.startOffset));
        offset = Math.max(offset, chunk.startOffset);
        if (unseen !== '') yield delta(unseen, false);
      }
      if (live && live.attempt >= attempt) {
        arrival.cancel();
        if (live.attempt > attempt) [attempt, offset] = [live.attempt, 0];
        while (!signal.aborted) {
          const unseen = live.text.slice(offset);
          if (unseen !== '') yield delta(unseen, false);
          else if (live.ended) break;
          else await waitFor(live.watchers, signal, () => live.text.length > offset || live.ended);
        }
        announcedEnd = attempt;
        if (!signal.aborted) yield delta('', true);
        continue;
      }
      if (['SUCCEEDED', 'FAILED', 'CANCELED'].includes(state.status)) {
        arrival.cancel();
        if (state.attempt > attempt) [attempt, offset] = [state.attempt, 0];
        if (announcedEnd !== attempt) yield delta('', true);
        return;
      }
      await arrival.promise;
    }
  }

  #awaitArrival(taskId: string, signal: AbortSignal): { promise: Promise<void>; cancel(): void } {
    const set = this.#arrivals.get(taskId) ?? new Set();
    this.#arrivals.set(taskId, set);
    let cancel = () => {};
    const promise = new Promise<void>((resolve) => {
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', finish);
        set.delete(finish);
        if (set.size === 0 && this.#arrivals.get(taskId) === set) this.#arrivals.delete(taskId);
        resolve();
      };
      const timer = setTimeout(finish, remotePollMs);
      signal.addEventListener('abort', finish);
      set.add(finish);
      cancel = finish;
    });
    return { promise, cancel };
  }
}

function waitFor(watchers: Set<() => void>, signal: AbortSignal, ready: () => boolean): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      signal.removeEventListener('abort', finish);
      watchers.delete(finish);
      resolve();
    };
    if (signal.aborted || ready()) return finish();
    signal.addEventListener('abort', finish);
    watchers.add(finish);
  });
}

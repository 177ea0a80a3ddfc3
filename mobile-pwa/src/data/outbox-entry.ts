import type { MutationInputs, MutationKind } from './mutations.ts';

/** Where an action is on its way to the server. `sent` exists in memory only: a definite answer deletes the row. */
export type OutboxState = 'waiting' | 'refused' | 'sent';

export interface Refusal {
  code: string;
  message: string;
  /** Of a FORBIDDEN: which rule; after STEP_UP the same action passes once the person has confirmed who they are. */
  reason?: string;
}

/** One action of the person, kept until the server has answered it definitely. */
export interface OutboxEntry<K extends MutationKind = MutationKind> {
  /** Also the idempotency key, so that sending twice takes effect once. */
  id: string;
  kind: K;
  input: MutationInputs[K];
  /** Entries of one entity are sent one after the other, in the order they were made. */
  entity: string;
  /** What the person did, in their words. */
  label: string;
  state: OutboxState;
  /** Milliseconds since the epoch; with `order` it gives the sending order. */
  createdAt: number;
  order: number;
  tries: number;
  /** Why the last try gave no definite answer, or why the server refused. */
  problem: Refusal | null;
}

export type Answer =
  | { kind: 'done'; typename: string; id: string | null }
  | { kind: 'refused'; code: string; message: string; reason?: string }
  | { kind: 'again'; code: string; message: string; retryAfterMs?: number };

/** Of no consequence for the action itself: the network, the session, the pace. It waits for as long as it takes. */
const PATIENT = new Set(['NETWORK', 'UNAUTHENTICATED', 'RATE_LIMITED']);

/** After so many tries that reached the server and failed inside it, the person decides whether to go on. */
export const MAX_SERVER_FAILURES = 8;

export type OutboxChange = { type: 'answered'; answer: Answer } | { type: 'retried'; newId: () => string };

/** The only way an entry changes. */
export function transition(entry: OutboxEntry, change: OutboxChange): OutboxEntry {
  if (change.type === 'retried') {
    if (entry.state !== 'refused') return entry;
    // A key the server has seen with another body will never be accepted; everything else keeps its key.
    const id = entry.problem?.code === 'IDEMPOTENCY_CONFLICT' ? change.newId() : entry.id;
    return { ...entry, id, state: 'waiting', tries: 0, problem: null };
  }
  if (entry.state !== 'waiting') return entry;
  const { answer } = change;
  if (answer.kind === 'done') return { ...entry, state: 'sent', problem: null };
  const problem: Refusal = { code: answer.code, message: answer.message };
  if (answer.kind === 'refused') {
    if (answer.reason !== undefined) problem.reason = answer.reason;
    return { ...entry, state: 'refused', problem };
  }
  const tries = entry.tries + 1;
  const gaveUp = !PATIENT.has(answer.code) && tries >= MAX_SERVER_FAILURES;
  return { ...entry, tries, problem, state: gaveUp ? 'refused' : 'waiting' };
}

/** The entry of an entity to send next. A refused one does not hold up what the person did after it. */
export function nextToSend(entries: readonly OutboxEntry[], entity: string): OutboxEntry | undefined {
  return entries
    .filter((entry) => entry.entity === entity && entry.state === 'waiting')
    .toSorted(bySendingOrder)[0];
}

export function bySendingOrder(a: OutboxEntry, b: OutboxEntry): number {
  return a.createdAt - b.createdAt || a.order - b.order;
}

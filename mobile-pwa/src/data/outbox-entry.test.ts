import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import {
  MAX_SERVER_FAILURES,
  nextToSend,
  transition,
  type Answer,
  type OutboxEntry,
} from './outbox-entry.ts';

const entry: OutboxEntry = {
  id: 'k',
  kind: 'cancelTask',
  input: { taskId: 't' },
  entity: 't',
  label: 'Cancel',
  state: 'waiting',
  createdAt: 1,
  order: 0,
  tries: 0,
  problem: null,
};

const answers: fc.Arbitrary<Answer> = fc.oneof(
  fc.constant<Answer>({ kind: 'done', typename: 'Task', id: 't' }),
  fc.record({ kind: fc.constant('refused' as const), code: fc.string(), message: fc.string() }),
  fc.record({
    kind: fc.constant('again' as const),
    code: fc.constantFrom('NETWORK', 'INTERNAL'),
    message: fc.string(),
  }),
);

describe('outbox entry', () => {
  it('is sent only by a definite yes, and then never changes again', () => {
    fc.assert(
      fc.property(fc.array(answers), (history) => {
        let current = entry;
        for (const answer of history) {
          const before = current;
          current = transition(current, { type: 'answered', answer });
          if (before.state === 'sent') expect(current).toBe(before);
          if (current.state === 'sent' && before.state !== 'sent') expect(answer.kind).toBe('done');
        }
      }),
    );
  });

  it('waits for the network as long as it takes', () => {
    let current = entry;
    for (let tries = 0; tries < 100; tries++) {
      current = transition(current, {
        type: 'answered',
        answer: { kind: 'again', code: 'NETWORK', message: '' },
      });
    }
    expect(current.state).toBe('waiting');
  });

  it('waits for the session and for the pace the hive asks for as long as it takes, too', () => {
    for (const code of ['UNAUTHENTICATED', 'RATE_LIMITED']) {
      const tired = { ...entry, tries: MAX_SERVER_FAILURES };
      const answer = { kind: 'again', code, message: '' } as const;
      expect(transition(tired, { type: 'answered', answer }).state).toBe('waiting');
    }
  });

  it('keeps which rule refused it, for the one a person can lift alone', () => {
    const answer = {
      kind: 'refused',
      code: 'FORBIDDEN',
      message: 'Confirm first.',
      reason: 'STEP_UP',
    } as const;
    expect(transition(entry, { type: 'answered', answer }).problem).toEqual({
      code: 'FORBIDDEN',
      message: 'Confirm first.',
      reason: 'STEP_UP',
    });
  });

  it('asks the person after too many failures inside the server', () => {
    let current = entry;
    for (let tries = 0; tries < MAX_SERVER_FAILURES; tries++) {
      expect(current.state).toBe('waiting');
      current = transition(current, {
        type: 'answered',
        answer: { kind: 'again', code: 'INTERNAL', message: 'no' },
      });
    }
    expect(current.state).toBe('refused');
    expect(transition(current, { type: 'retried', newId: () => 'other' })).toMatchObject({
      id: 'k',
      state: 'waiting',
      tries: 0,
    });
  });

  it('picks the oldest waiting entry of the entity', () => {
    const later = { ...entry, id: 'later', createdAt: 2 };
    const refused = { ...entry, id: 'refused', createdAt: 0, state: 'refused' as const };
    const other = { ...entry, id: 'other', createdAt: 0, entity: 'x' };
    expect(nextToSend([later, refused, other, entry], 't')?.id).toBe('k');
    expect(nextToSend([refused], 't')).toBeUndefined();
  });
});

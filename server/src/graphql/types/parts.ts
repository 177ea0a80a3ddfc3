import { builder } from '../builder.ts';
import type { Progress } from '../../stores/goal-reads.ts';

export interface Failure {
  code: string;
  message: string;
}

export const FailureType = builder.objectRef<Failure>('Failure').implement({
  description: 'Why something failed. The code is an ErrorCode or one of its own, for example a provider’s.',
  fields: (t) => ({
    code: t.exposeString('code', { description: 'To branch on, in capitals; new ones may come.' }),
    message: t.exposeString('message', {
      description: 'For people: what went wrong, with the value it was about.',
    }),
  }),
});

/** The two columns every row with a failure has. */
export function failureOf(row: {
  failureCode?: string | null | undefined;
  failureMessage?: string | null | undefined;
}): Failure | null {
  return row.failureCode ? { code: row.failureCode, message: row.failureMessage ?? '' } : null;
}

export const ProgressType = builder.objectRef<Progress>('Progress').implement({
  description: 'How many tasks of a run are in each state.',
  fields: (t) => {
    const count = (name: keyof Progress, description: string) =>
      t.int({ description, resolve: (progress) => progress[name] });
    return {
      total: count('total', 'All tasks of the run.'),
      blocked: count('blocked', 'Tasks that wait for other tasks.'),
      queued: count('queued', 'Tasks that wait for an agent or their time.'),
      running: count('running', 'Tasks that agents work on now.'),
      waiting: count('waiting', 'Tasks that wait for a person’s decision.'),
      succeeded: count('succeeded', 'Tasks that are done.'),
      failed: count('failed', 'Tasks that are dead letters.'),
      canceled: count('canceled', 'Tasks that were stopped.'),
    };
  },
});

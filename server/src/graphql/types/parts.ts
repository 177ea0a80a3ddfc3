import { builder } from '../builder.ts';
import type { Progress } from '../../stores/goal-reads.ts';

export interface Failure {
  code: string;
  message: string;
}

export const FailureType = builder.objectRef<Failure>('Failure').implement({
  description: 'Why something failed. The code is an ErrorCode or one of its own, for example a provider’s.',
  fields: (t) => ({ code: t.exposeString('code'), message: t.exposeString('message') }),
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
    const count = (name: keyof Progress) => t.int({ resolve: (progress) => progress[name] });
    return {
      total: count('total'),
      blocked: count('blocked'),
      queued: count('queued'),
      running: count('running'),
      waiting: count('waiting'),
      succeeded: count('succeeded'),
      failed: count('failed'),
      canceled: count('canceled'),
    };
  },
});

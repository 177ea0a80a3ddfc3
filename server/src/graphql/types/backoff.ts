import { builder } from '../builder.ts';

export const BackoffInput = builder.inputType('BackoffInput', {
  description:
    'How long a task waits before its next attempt: the first wait, multiplied each time, up to the longest; chance shortens each by up to half.',
  fields: (t) => ({
    initialSeconds: t.float({
      required: true,
      defaultValue: 1,
      description: 'The wait before the second attempt, 0 to 86,400 seconds.',
    }),
    factor: t.float({
      required: true,
      defaultValue: 2,
      description: 'What each further wait is multiplied with, 1 to 10.',
    }),
    maxSeconds: t.float({
      required: true,
      defaultValue: 60,
      description: 'The longest wait, 0 to 86,400 seconds.',
    }),
  }),
});

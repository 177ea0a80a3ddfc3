import { expect, it } from 'vitest';
import { asksForStepUp } from './step-up.ts';

const refusal = (reason: string) => ({ __typename: 'ForbiddenError', code: 'FORBIDDEN', reason });

it('knows a refusal that a confirmation would turn round, however it comes', () => {
  expect(asksForStepUp(refusal('STEP_UP'))).toBe(true);
  expect(asksForStepUp({ erasePerson: refusal('STEP_UP') })).toBe(true);
  expect(asksForStepUp({ data: { erasePerson: refusal('STEP_UP') } })).toBe(true);
  expect(asksForStepUp({ error: { graphQLErrors: [{ extensions: { reason: 'STEP_UP' } }] } })).toBe(true);
});

it('lets every other answer pass', () => {
  expect(asksForStepUp({ data: { erasePerson: refusal('ROLE') } })).toBe(false);
  expect(asksForStepUp({ data: { erasePerson: { __typename: 'ErasedPerson' } } })).toBe(false);
  expect(asksForStepUp({ data: null, error: { graphQLErrors: [] } })).toBe(false);
  expect(asksForStepUp(undefined)).toBe(false);
});

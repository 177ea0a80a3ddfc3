import { GraphQLError } from 'graphql';
import { expect, test } from 'vitest';
import { silentLog } from '../../../tests/support/log.ts';
import { DomainError, ForbiddenError, RateLimitedError, ValidationError } from '../lib/errors.ts';
import { expectFailures, presentError, UnavailableError } from './errors.ts';

const present = (error: Error) =>
  presentError(new GraphQLError(error.message, { originalError: error }), 'request-1', silentLog).extensions;

test('a refusal says which rule and what', () => {
  expect(present(new ForbiddenError('ROLE', 'goal.dispatch', 'no'))).toEqual({
    code: 'FORBIDDEN',
    reason: 'ROLE',
    action: 'goal.dispatch',
  });
});

test('too many requests say when to come back', () => {
  expect(present(new RateLimitedError('slow down', 1_500))).toEqual({
    code: 'RATE_LIMITED',
    retryAfterMs: 1_500,
  });
});

test('a wrong input names its first field', () => {
  expect(present(new ValidationError([{ path: 'after', message: 'wrong' }]))).toEqual({
    code: 'VALIDATION',
    field: 'after',
  });
});

test('what nobody expected says only under which id it is logged', () => {
  expect(present(new Error('secret detail'))).toEqual({ code: 'INTERNAL', requestId: 'request-1' });
});

test('a refusal inside a mutation stays one', async () => {
  const refused = new ForbiddenError('STEP_UP', 'secret.rotate', 'confirm first');
  await expect(expectFailures({}, () => Promise.reject(refused))).rejects.toBe(refused);
});

test.each([
  [new RateLimitedError('slow down', 1_000), 'RATE_LIMITED'],
  [new DomainError('TIMEOUT', 'too slow'), 'TIMEOUT'],
])('what may succeed later is UnavailableError with its own code: %s', async (error, code) => {
  const failure = await expectFailures({}, () => Promise.reject(error)).catch((thrown: unknown) => thrown);
  expect(failure).toBeInstanceOf(UnavailableError);
  expect((failure as UnavailableError).code).toBe(code);
});

import { describe, expect, it } from 'vitest';
import { asProblem, problemOf, redirectProblem } from './auth-problem.ts';

describe('a refusal', () => {
  it('keeps code and message of the identity service', () => {
    const { code, message, retryAfterMs } = problemOf(
      400,
      { code: 'LINK_EXPIRED', message: 'Too late.' },
      null,
    );
    expect({ code, message, retryAfterMs }).toEqual({
      code: 'LINK_EXPIRED',
      message: 'Too late.',
      retryAfterMs: null,
    });
  });

  it('says how long to wait, from the body first and the header else', () => {
    expect(problemOf(429, { code: 'RATE_LIMITED', message: '', retryAfterMs: 1_500 }, '9').retryAfterMs).toBe(
      1_500,
    );
    expect(problemOf(429, '', '9')).toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 9_000 });
    expect(problemOf(429, null, 'soon').retryAfterMs).toBeNull();
  });

  it('is understood in the shape of the GraphQL endpoint too', () => {
    const body = {
      errors: [{ message: 'Confirm first.', extensions: { code: 'FORBIDDEN', reason: 'STEP_UP' } }],
    };
    expect(problemOf(403, body, null)).toMatchObject({ code: 'STEP_UP', message: 'Confirm first.' });
  });

  it('does not tell a wrong password from a wrong address', () => {
    const body = { code: 'INVALID_EMAIL_OR_PASSWORD', message: 'Invalid email or password' };
    expect(problemOf(401, body, null).message).toBe('E-mail and password do not match.');
  });

  it('is readable when the answer is no answer at all', () => {
    expect(problemOf(502, undefined, null)).toMatchObject({
      code: 'HTTP_502',
      message: 'The hive answered 502.',
    });
    expect(asProblem(new TypeError('Failed to fetch')).code).toBe('NETWORK');
    expect(asProblem('odd').message).toBe('odd');
  });
});

it('has words for what another provider sends people back with, known or not', () => {
  expect(redirectProblem('')).toBeUndefined();
  expect(redirectProblem('?to=%2F&error=access_denied')?.message).toMatch(/canceled/);
  expect(redirectProblem('?error=server_error')?.message).toBe('The other page answered: server error.');
  expect(redirectProblem('?error=constructor')?.message).toBe('The other page answered: constructor.');
});

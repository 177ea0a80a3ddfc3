import { describe, expect, it } from 'vitest';
import { classifyAnswer } from './answer.ts';

const graphQLError = (code: string | undefined, message = 'no') => ({
  error: { message, graphQLErrors: [{ message, ...(code ? { extensions: { code } } : {}) }] },
});

describe('answer to a mutation', () => {
  it('takes the changed thing as done', () => {
    const data = { dispatchGoal: { __typename: 'Goal', id: 'g' } };
    expect(classifyAnswer({ data })).toEqual({ kind: 'done', typename: 'Goal', id: 'g' });
  });

  it('takes a typed error as a refusal, with the fields it names', () => {
    const data = {
      dispatchGoal: {
        __typename: 'ValidationError',
        code: 'VALIDATION',
        message: 'The input is not valid.',
        fields: [{ path: 'text', message: 'must not be empty', value: '' }],
      },
    };
    expect(classifyAnswer({ data })).toEqual({
      kind: 'refused',
      code: 'VALIDATION',
      message: 'The input is not valid. text: must not be empty',
    });
  });

  it('keeps which rule refused it', () => {
    const data = {
      retireAgent: {
        __typename: 'ForbiddenError',
        code: 'FORBIDDEN',
        message: 'Confirm first.',
        reason: 'STEP_UP',
        action: 'agent.retire',
      },
    };
    expect(classifyAnswer({ data })).toEqual({
      kind: 'refused',
      code: 'FORBIDDEN',
      message: 'Confirm first.',
      reason: 'STEP_UP',
    });
  });

  it('waits to be signed in, and for as long as the hive asks', () => {
    expect(classifyAnswer(graphQLError('UNAUTHENTICATED'))).toMatchObject({ kind: 'again' });
    const extensions = { code: 'RATE_LIMITED', retryAfterMs: 2_500 };
    const limited = { error: { message: '', graphQLErrors: [{ message: 'Slower.', extensions }] } };
    expect(classifyAnswer(limited)).toMatchObject({ kind: 'again', retryAfterMs: 2_500 });
  });

  it('sends again when the server says it is unavailable', () => {
    const data = {
      cancelTask: { __typename: 'UnavailableError', code: 'UNAVAILABLE', message: 'restarting' },
    };
    expect(classifyAnswer({ data }).kind).toBe('again');
  });

  it('sends again after a masked error, because the effect may not have happened', () => {
    expect(classifyAnswer(graphQLError('INTERNAL')).kind).toBe('again');
    expect(classifyAnswer(graphQLError(undefined)).kind).toBe('again');
  });

  it('gives up on a request the server cannot understand', () => {
    expect(classifyAnswer(graphQLError('GRAPHQL_VALIDATION_FAILED')).kind).toBe('refused');
  });

  it('calls silence the network', () => {
    expect(classifyAnswer({})).toMatchObject({ kind: 'again', code: 'NETWORK' });
    const error = { message: 'failed to fetch', networkError: new TypeError('x'), graphQLErrors: [] };
    expect(classifyAnswer({ error })).toMatchObject({ kind: 'again', code: 'NETWORK' });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actions, rules, type Rule } from './rules.ts';
import { isInScope, scopeProblem } from './scopes.ts';

describe('scopes of a new key', () => {
  it.each(['*', 'task.*', '*.read', 'task.create', 'goal.*', '*.readPath'])('%s is one', (scope) => {
    expect(scopeProblem(scope)).toBeUndefined();
  });
  it.each([
    ['', /such as task\.create/],
    ['task', /such as task\.read, or a pattern such as task\.\*/],
    ['task.', /such as task\.read/],
    ['task.explode', /such as task\.read/],
    ['*.*', /such as task\.create/],
    ['**', /such as/],
    ['task.create ', /such as task\.read/],
    ['Task.Create', /such as task\.create/],
    ['*.explode', /such as task\.create/],
    ['member.invite', /for people who are signed in/],
    ['device.*', /for people who are signed in/],
  ])('%j is none', (scope, message) => {
    expect(scopeProblem(scope)).toMatch(message);
  });

  it('are accepted exactly when a program could do something with them', () => {
    const scope = fc.oneof(
      fc.constantFrom(...actions),
      fc.constantFrom(...actions).map((action) => `${action.split('.')[0]}.*`),
      fc.constantFrom(...actions).map((action) => `*.${action.split('.')[1]}`),
      fc.string(),
    );
    fc.assert(
      fc.property(scope, (text) => {
        const useful = actions.some(
          (action) => !(rules[action] as Rule).peopleOnly && isInScope([text], action),
        );
        expect(scopeProblem(text) === undefined).toBe(useful);
      }),
    );
  });
});

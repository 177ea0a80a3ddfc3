import { expect, it } from 'vitest';
import { rules, type Action } from '../../../server/src/engines/security/rules.ts';
import { describeScopes, KEY_ACTIONS, SCOPE_PRESETS } from './key-scopes.ts';

it('offers exactly what the server lets a program do', () => {
  const offered = KEY_ACTIONS.flatMap(({ actions }) => Object.keys(actions));
  const allowed = (Object.keys(rules) as Action[]).filter((action) => !('peopleOnly' in rules[action]));
  expect(offered.toSorted()).toEqual(allowed.toSorted());
});

it('recognises a preset by its scopes, in any order', () => {
  for (const { label, scopes, value } of SCOPE_PRESETS)
    if (value !== 'picked') expect(describeScopes(scopes.toReversed())).toBe(label);
  expect(describeScopes(['task.read'])).toBe('Read tasks and what they wrote');
  expect(describeScopes(['task.read', 'goal.read'])).toBe('2 picked actions');
});

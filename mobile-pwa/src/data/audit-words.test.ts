import { expect, it } from 'vitest';
import { rules } from '../../../server/src/engines/security/rules.ts';
import { describeActor, describeAuditAction } from './audit-words.ts';

it('has words for everything that can be done; reading is recorded only when it is refused', () => {
  const wordless = Object.keys(rules).filter(
    (action) => !/\.read/.test(action) && describeAuditAction(action) === action,
  );
  expect(wordless).toEqual([]);
});

it('names whoever it was, and whoever nobody knows', () => {
  const nobody = { actor: null, actorLabel: '' };
  expect(describeActor({ actorKind: 'USER', actor: { name: 'Ada' }, actorLabel: 'Ada' })).toBe('Ada');
  expect(describeActor({ actorKind: 'API_KEY', actor: { name: 'Ada' }, actorLabel: 'CI' })).toBe('Key CI');
  expect(describeActor({ actorKind: 'SYSTEM', ...nobody })).toBe('The hive');
  expect(describeActor({ actorKind: 'ANONYMOUS', ...nobody })).toBe('Somebody unknown');
});

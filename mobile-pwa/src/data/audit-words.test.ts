import { expect, it } from 'vitest';
import { rules } from '../../../server/src/engines/security/rules.ts';
import { describeActor, describeAuditAction } from './audit-words.ts';

it('has words for everything that can be done; reading is recorded only when it is refused', () => {
  const wordless = Object.keys(rules).filter(
    (action) => !/\.read/.test(action) && describeAuditAction(action) === action,
  );
  expect(wordless).toEqual([]);
});

it('says which of the things that one action covers it was', () => {
  expect(describeAuditAction('member.invite', { operation: 'revokeInvitation' })).toBe(
    'Revoke an invitation',
  );
  expect(describeAuditAction('key.change', { operation: 'rotateApiKey' })).toBe('Rotate an API key');
  expect(describeAuditAction('goal.dispatch', { operation: 'dispatchGoal' })).toBe('Dispatch a goal');
  expect(describeAuditAction('member.invite', { operation: 'constructor' })).toBe(
    describeAuditAction('member.invite'),
  );
});

it('has words for what happens at the door', () => {
  const types = [
    ...['account.linked', 'account.unlinked', 'device.paired', 'device.pairing_started'],
    ...['invitation.accepted', 'owner.reset', 'passkey.added', 'passkey.removed', 'password.changed'],
    ...['recovery.codes_replaced', 'recovery.used', 'service_token.issued', 'service_token.refused'],
    ...['session.revoked', 'setup.completed', 'setup.link_created', 'sign_in.failed', 'sign_in.succeeded'],
    ...['sign_in.throttled', 'sign_out', 'step_up.failed', 'step_up.succeeded'],
    ...['two_factor.disabled', 'two_factor.enabled', 'config.change'],
  ];
  expect(types.filter((type) => describeAuditAction(type) === type)).toEqual([]);
});

it('names whoever it was, and whoever nobody knows', () => {
  const nobody = { actor: null, actorLabel: '' };
  expect(describeActor({ actorKind: 'USER', actor: { name: 'Ada' }, actorLabel: 'Ada' })).toBe('Ada');
  expect(describeActor({ actorKind: 'API_KEY', actor: { name: 'Ada' }, actorLabel: 'CI' })).toBe('Key CI');
  expect(describeActor({ actorKind: 'SYSTEM', ...nobody })).toBe('The hive');
  expect(describeActor({ actorKind: 'ANONYMOUS', ...nobody })).toBe('Somebody unknown');
});

import { expect, test } from 'vitest';
import { scopeOf } from '../../../tests/support/scopes.ts';
import type { Actor, Role } from '../engines/security/actor.ts';
import { eventSight } from './event-sight.ts';

const types = [
  'task.queued',
  'agent.idle',
  'workspace.updated',
  'member.joined',
  'key.created',
  'unheard.of',
] as const;

function seenBy(role: Role, more: Partial<Actor> = {}): string[] {
  const isVisible = eventSight(scopeOf('w', { kind: 'USER', id: 'u', userId: 'u', role, ...more }));
  return types.filter((type) => isVisible({ type }));
}

test('viewers see what happens in the workspace and who is in it, and nothing of keys', () => {
  expect(seenBy('VIEWER')).toEqual(['task.queued', 'agent.idle', 'workspace.updated', 'member.joined']);
});

test('admins see everything, kinds that nobody thought of included', () => {
  expect(seenBy('ADMIN')).toEqual([...types]);
});

test('a key sees of people what its scopes let it read', () => {
  const key = { kind: 'API_KEY' as const };
  expect(seenBy('ADMIN', { ...key, scopes: ['event.read'] })).toEqual(['task.queued', 'agent.idle']);
  expect(seenBy('ADMIN', { ...key, scopes: ['event.read', 'member.read'] })).toContain('member.joined');
});

test('an actor limited to projects sees the kinds a viewer does; the log gives it only what is in its projects', () => {
  const projects = new Map([['p', 'OPERATOR' as const]]);
  expect(seenBy('ADMIN', { projects })).toEqual(seenBy('VIEWER'));
});

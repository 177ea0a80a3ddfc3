import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roles, type Actor, type Resource } from './actor.ts';
import { decide } from './decide.ts';
import { reachOfKey, reachOfMember, type KeyReach, type MemberReach } from './reach.ts';
import { actions } from './rules.ts';

const actorOf = (reach: ReturnType<typeof reachOfMember>, kind: Actor['kind']): Actor => ({
  kind,
  id: 'me',
  userId: 'me',
  workspaceId: 'w',
  at: 0,
  ...reach,
});
const role = fc.constantFrom(...roles);
const project = fc.constantFrom('p', 'q', 'r');
const member: fc.Arbitrary<MemberReach> = fc.record({
  role,
  projectAccess: fc.constantFrom('ALL' as const, 'GRANTED' as const),
  grants: fc.uniqueArray(fc.record({ projectId: project, role }), { selector: (grant) => grant.projectId }),
});
const key: fc.Arbitrary<KeyReach> = fc.record({
  role,
  scopes: fc.constant(null),
  projectIds: fc.option(fc.uniqueArray(project, { minLength: 1 }), { nil: null }),
});
const resource = fc.record({
  workspaceId: fc.constant('w'),
  projectId: fc.option(project, { nil: null }),
}) as fc.Arbitrary<Resource>;

describe('reach', () => {
  it('of a key never goes beyond its maker’s, nor beyond its own role and projects', () => {
    fc.assert(
      fc.property(member, key, fc.constantFrom(...actions), resource, (maker, made, action, about) => {
        const reach = reachOfKey(made, maker);
        if (!decide(actorOf(reach, 'API_KEY'), action, about).allowed) return;
        expect(decide(actorOf(reachOfMember(maker), 'USER'), action, about).allowed).toBe(true);
        const alone = reachOfKey(made, { role: 'OWNER', projectAccess: 'ALL', grants: [] });
        expect(decide(actorOf(alone, 'API_KEY'), action, about).allowed).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('of an owner’s key is what the key says', () => {
    const maker: MemberReach = { role: 'OWNER', projectAccess: 'ALL', grants: [] };
    expect(reachOfKey({ role: 'OPERATOR', scopes: ['task.*'], projectIds: null }, maker)).toEqual({
      role: 'OPERATOR',
      projects: 'ALL',
      scopes: ['task.*'],
    });
    expect(reachOfKey({ role: 'OPERATOR', scopes: null, projectIds: ['p'] }, maker)).toEqual({
      role: 'OPERATOR',
      projects: new Map([['p', 'OPERATOR']]),
    });
  });

  it('of a key falls with its maker', () => {
    const maker: MemberReach = {
      role: 'VIEWER',
      projectAccess: 'GRANTED',
      grants: [{ projectId: 'p', role: 'OPERATOR' }],
    };
    expect(reachOfKey({ role: 'ADMIN', scopes: null, projectIds: ['p', 'q'] }, maker)).toEqual({
      role: 'VIEWER',
      projects: new Map([['p', 'OPERATOR']]),
    });
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { actorKinds, roles, type Actor, type Resource, type Role } from './actor.ts';
import { decide, effectivePermissions, stepUpMs } from './decide.ts';
import { actions, rules, type Action, type Rule } from './rules.ts';

const workspaceId = 'w';
const now = 1_000_000_000;
const user = (role: Role, more: Partial<Actor> = {}): Actor => ({
  kind: 'USER',
  id: 'me',
  userId: 'me',
  workspaceId,
  role,
  projects: 'ALL',
  at: now,
  ...more,
});
const answer = (actor: Actor, action: Action, resource: Omit<Resource, 'workspaceId'> = {}) => {
  const decision = decide(actor, action, { workspaceId, ...resource });
  return decision.allowed ? 'yes' : decision.reason;
};

/**
 * Each line: owner, admin, operator, viewer, a member with OPERATOR in project p only (asked about p, about another project,
 * and about what is in no project), a key of an owner. Y yes, S only after a step-up, . the role is too low, x out of sight,
 * p people only.
 */
const table: { [action in Action]: string } = {
  'health.read': 'Y Y Y Y  Y Y Y  Y',
  'metrics.read': 'Y Y . .  . . .  Y',
  'workspace.read': 'Y Y Y Y  Y Y Y  Y',
  'workspace.create': 'Y . . .  . . .  p',
  'workspace.update': 'Y Y . .  . . .  p',
  'goal.read': 'Y Y Y Y  Y x x  Y',
  'goal.dispatch': 'Y Y Y .  Y x x  Y',
  'goal.steer': 'Y Y Y .  Y x x  Y',
  'task.read': 'Y Y Y Y  Y x x  Y',
  'task.create': 'Y Y Y .  Y x x  Y',
  'task.steer': 'Y Y Y .  Y x x  Y',
  'decision.make': 'Y Y Y .  Y x x  Y',
  'event.read': 'Y Y Y Y  Y x x  Y',
  'memory.read': 'Y Y Y Y  Y x x  Y',
  'agent.read': 'Y Y Y Y  Y Y Y  Y',
  'agent.readInstructions': 'Y Y Y .  . . .  Y',
  'agent.operate': 'Y Y Y .  . . .  Y',
  'agent.manage': 'Y Y . .  . . .  Y',
  'agent.retire': 'Y Y . .  . . .  Y',
  'project.read': 'Y Y Y Y  Y x x  Y',
  'project.readPath': 'Y Y Y .  Y x x  Y',
  'project.register': 'Y Y . .  . . .  Y',
  'project.reindex': 'Y Y Y .  Y x x  Y',
  'member.read': 'Y Y Y Y  Y Y Y  Y',
  'member.readContact': 'Y Y . .  . . .  Y',
  'member.invite': 'Y Y . .  . . .  p',
  'member.change': 'Y Y . .  . . .  p',
  'member.remove': 'Y Y . .  . . .  p',
  'member.leave': 'Y Y Y Y  Y Y Y  p',
  'invitation.read': 'Y Y . .  . . .  p',
  'key.read': 'Y Y . .  . . .  Y',
  'key.create': 'Y Y Y .  . . .  p',
  'key.change': 'Y Y . .  . . .  p',
  'session.read': 'Y Y Y Y  Y Y Y  p',
  'session.revoke': 'Y Y Y Y  Y Y Y  p',
  'device.pair': 'Y Y Y Y  Y Y Y  p',
  'audit.read': 'Y Y . .  . . .  Y',
  'audit.export': 'S . . .  . . .  p',
  'secret.read': 'Y Y . .  . . .  p',
  'secret.write': 'Y Y . .  . . .  p',
  'secret.rotate': 'S . . .  . . .  p',
  'person.export': 'S . . .  . . .  p',
  'person.erase': 'S . . .  . . .  p',
};
const letters: { [answer: string]: string } = {
  yes: 'Y',
  STEP_UP: 'S',
  ROLE: '.',
  PROJECT: 'x',
  PEOPLE_ONLY: 'p',
};

describe('the table', () => {
  it.each(actions)('%s', (action) => {
    const granted = user('VIEWER', { projects: new Map([['p', 'OPERATOR']]) });
    const key: Actor = { ...user('OWNER'), kind: 'API_KEY', id: 'key' };
    const letter = (actor: Actor, resource = {}) => letters[answer(actor, action, resource)];
    const line = [
      roles.map((role) => letter(user(role))).join(' '),
      [{ projectId: 'p' }, { projectId: 'q' }, { projectId: null }]
        .map((resource) => letter(granted, resource))
        .join(' '),
      letter(key),
    ].join('  ');
    expect(line).toBe(table[action]);
  });

  it('lists no action twice and none that is gone', () => {
    expect(Object.keys(table).toSorted()).toEqual(actions.toSorted());
  });
});

describe('a role granted in a project', () => {
  const member = user('VIEWER', { grants: new Map([['p', 'OPERATOR']]) });
  it('raises the one in the workspace there', () => {
    expect(answer(member, 'task.create', { projectId: 'p' })).toBe('yes');
    expect(answer(member, 'task.create', { projectId: 'q' })).toBe('ROLE');
    expect(answer(member, 'task.create', { projectId: null })).toBe('ROLE');
  });
  it('never lowers it', () => {
    const operator = user('OPERATOR', { grants: new Map([['p', 'VIEWER']]) });
    expect(answer(operator, 'task.create', { projectId: 'p' })).toBe('yes');
  });
  it('counts for what is somewhere in the workspace', () => {
    expect(answer(member, 'task.create')).toBe('yes');
    expect(answer(user('VIEWER', { projects: new Map() }), 'task.read')).toBe('PROJECT');
  });
  it('does not reach what belongs to no project by nature', () => {
    expect(answer(member, 'agent.operate', { projectId: 'p' })).toBe('ROLE');
  });
});

describe('rank', () => {
  it.each([
    ['OWNER', 'OWNER', 'yes'],
    ['OWNER', 'ADMIN', 'yes'],
    ['ADMIN', 'OWNER', 'RANK'],
    ['ADMIN', 'ADMIN', 'RANK'],
    ['ADMIN', 'OPERATOR', 'yes'],
    ['OPERATOR', 'VIEWER', 'ROLE'],
  ] as const)('%s removes %s: %s', (mine, memberRole, expected) => {
    expect(answer(user(mine, { steppedUpAt: now }), 'member.remove', { memberRole })).toBe(expected);
  });
  it.each([
    ['OWNER', 'OWNER', 'yes'],
    ['ADMIN', 'OWNER', 'RANK'],
    ['ADMIN', 'ADMIN', 'yes'],
  ] as const)('%s invites %s: %s', (mine, grantedRole, expected) => {
    expect(answer(user(mine, { steppedUpAt: now }), 'member.invite', { grantedRole })).toBe(expected);
  });
  it('keeps admins from seeing a new secret of an owner’s key, and lets them revoke it', () => {
    expect(answer(user('ADMIN'), 'key.change', { ownerId: 'boss', grantedRole: 'OWNER' })).toBe('RANK');
    expect(answer(user('ADMIN'), 'key.change', { ownerId: 'boss' })).toBe('yes');
  });
  it('keeps operators from making keys above themselves', () => {
    expect(answer(user('OPERATOR'), 'key.create', { grantedRole: 'ADMIN' })).toBe('RANK');
    expect(answer(user('OPERATOR'), 'key.create', { grantedRole: 'OPERATOR' })).toBe('yes');
  });
});

describe('what is one’s own', () => {
  it.each(actions.filter((action) => (rules[action] as Rule).own))('%s is allowed to any role', (action) => {
    for (const role of roles)
      expect(answer(user(role, { steppedUpAt: now }), action, { ownerId: 'me' })).toBe('yes');
    expect(answer(user('VIEWER', { steppedUpAt: now }), action, { ownerId: 'other' })).toBe('ROLE');
  });
  it('is nothing for whoever is nobody', () => {
    const { userId: _, ...nobody } = user('VIEWER');
    expect(answer(nobody, 'key.read')).toBe('ROLE');
  });
});

describe('step-up', () => {
  const owner = (steppedUpAt?: number) => user('OWNER', steppedUpAt === undefined ? {} : { steppedUpAt });
  it('lasts five minutes', () => {
    expect(answer(owner(), 'secret.rotate')).toBe('STEP_UP');
    expect(answer(owner(now), 'secret.rotate')).toBe('yes');
    expect(answer(owner(now - stepUpMs + 1), 'secret.rotate')).toBe('yes');
    expect(answer(owner(now - stepUpMs), 'secret.rotate')).toBe('STEP_UP');
    expect(answer(owner(now + 1), 'secret.rotate')).toBe('STEP_UP');
  });
  it('is asked for where the thing is dangerous', () => {
    expect(answer(owner(), 'agent.retire', { hasWorkInHand: true })).toBe('STEP_UP');
    expect(answer(owner(), 'agent.retire', { hasWorkInHand: false })).toBe('yes');
    expect(answer(owner(), 'decision.make', { risk: 'HIGH' })).toBe('STEP_UP');
    expect(answer(owner(), 'decision.make', { risk: 'MEDIUM' })).toBe('yes');
    for (const action of ['member.remove', 'member.change'] as const)
      expect(answer(owner(), action, { memberRole: 'OWNER' })).toBe('STEP_UP');
    for (const action of ['member.invite', 'member.change'] as const)
      expect(answer(owner(), action, { grantedRole: 'OWNER' })).toBe('STEP_UP');
  });
  it('is never asked of a program, which has no way to', () => {
    const key: Actor = { ...owner(), kind: 'API_KEY' };
    expect(answer(key, 'decision.make', { risk: 'HIGH' })).toBe('PEOPLE_ONLY');
    expect(answer(key, 'decision.make', { risk: 'LOW' })).toBe('yes');
  });
  it('is not asked of whoever is at the machine', () => {
    expect(answer({ ...owner(), kind: 'LOCAL' }, 'secret.rotate')).toBe('yes');
  });
});

describe('scopes', () => {
  const key = (scopes: string[]): Actor => ({ ...user('OWNER'), kind: 'API_KEY', scopes });
  it.each([
    ['*', 'task.create', 'yes'],
    ['task.create', 'task.create', 'yes'],
    ['task.*', 'task.create', 'yes'],
    ['task.*', 'goal.read', 'SCOPE'],
    ['*.read', 'goal.read', 'yes'],
    ['*.read', 'agent.readInstructions', 'SCOPE'],
    ['tas*', 'task.create', 'SCOPE'],
    ['.*', 'task.create', 'SCOPE'],
    ['*.', 'task.create', 'SCOPE'],
    ['', 'task.create', 'SCOPE'],
    ['*', 'member.invite', 'PEOPLE_ONLY'],
  ] as const)('%j to %s: %s', (scope, action, expected) => {
    expect(answer(key([scope]), action)).toBe(expected);
  });
  it('of nothing allow nothing', () => {
    for (const action of actions) expect(answer(key([]), action)).not.toBe('yes');
  });
});

const role = fc.constantFrom(...roles);
const project = fc.constantFrom('p', 'q', 'r');
const roleMap = fc.array(fc.tuple(project, role), { maxLength: 3 }).map((pairs) => new Map(pairs));
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
const scope = fc.constantFrom('*', '*.read', 'task.*', 'goal.dispatch', 'member.*', ...actions);
const defined = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined));
const anyActor = fc
  .record({
    kind: fc.constantFrom(...actorKinds),
    id: fc.constant('me'),
    userId: optional(fc.constant('me')),
    workspaceId: fc.constant(workspaceId),
    role,
    projects: fc.oneof(fc.constant('ALL' as const), roleMap),
    grants: optional(roleMap),
    scopes: optional(fc.array(scope, { maxLength: 3 })),
    steppedUpAt: optional(fc.integer({ min: now - 2 * stepUpMs, max: now + 1_000 })),
    at: fc.constant(now),
  })
  .map((actor) => defined(actor) as unknown as Actor);
const anyResource = fc
  .record({
    workspaceId: fc.constant(workspaceId),
    projectId: fc.option(optional(project), { nil: null }),
    ownerId: optional(fc.constantFrom('me', 'other')),
    memberRole: optional(role),
    grantedRole: optional(role),
    hasWorkInHand: optional(fc.boolean()),
    risk: optional(fc.constantFrom('LOW', 'MEDIUM', 'HIGH')),
  })
  .map((resource) => defined(resource) as unknown as Resource);
const anyAction = fc.constantFrom(...actions);
const always = (check: (actor: Actor, action: Action, resource: Resource) => void) =>
  fc.assert(fc.property(anyActor, anyAction, anyResource, check), { numRuns: 3_000 });

describe('for any actor, action and resource', () => {
  it('a higher role loses nothing', () => {
    fc.assert(
      fc.property(anyActor, anyAction, anyResource, role, (actor, action, resource, other) => {
        const higher = roles.indexOf(other) <= roles.indexOf(actor.role) ? other : actor.role;
        if (decide(actor, action, resource).allowed)
          expect(decide({ ...actor, role: higher }, action, resource).allowed).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  it('a grant on top loses nothing', () => {
    fc.assert(
      fc.property(anyActor, anyAction, anyResource, roleMap, (actor, action, resource, more) => {
        const { grants: _, ...without } = actor;
        if (decide(without, action, resource).allowed)
          expect(decide({ ...without, grants: more }, action, resource).allowed).toBe(true);
      }),
    );
  });

  it('access to all projects in the same role loses nothing against some of them', () => {
    always((actor, action, resource) => {
      if (actor.projects === 'ALL') return;
      const best = [...actor.projects.values()].reduce<Role>(
        (left, right) => (roles.indexOf(left) < roles.indexOf(right) ? left : right),
        'VIEWER',
      );
      if (decide(actor, action, resource).allowed)
        expect(decide({ ...actor, role: best, projects: 'ALL' }, action, resource).allowed).toBe(true);
    });
  });

  it('scopes only narrow', () => {
    always((actor, action, resource) => {
      const { scopes: _, ...unscoped } = actor;
      if (decide(actor, action, resource).allowed)
        expect(decide(unscoped, action, resource).allowed).toBe(true);
    });
  });

  it('another workspace is refused, as such', () => {
    always((actor, action, resource) => {
      const elsewhere = decide(actor, action, { ...resource, workspaceId: 'other' });
      expect(elsewhere).toMatchObject({ allowed: false, reason: 'WORKSPACE' });
    });
  });

  it('whoever is told to step up is allowed once they did', () => {
    always((actor, action, resource) => {
      const decision = decide(actor, action, resource);
      if (decision.allowed || decision.reason !== 'STEP_UP') return;
      expect(decide({ ...actor, steppedUpAt: now }, action, resource)).toEqual({ allowed: true });
      expect(['USER', 'LOCAL']).toContain(actor.kind);
    });
  });

  it('a program may nothing that a person in its place may not', () => {
    always((actor, action, resource) => {
      const person: Actor = { ...actor, kind: 'USER' };
      if (decide({ ...actor, kind: 'API_KEY' }, action, resource).allowed)
        expect(decide(person, action, resource).allowed).toBe(true);
    });
  });

  it('another project than the granted ones is out of sight', () => {
    always((actor, action, resource) => {
      const { grants: _, ...rest } = actor;
      const limited: Actor = { ...rest, projects: new Map([['p', 'OWNER']]) };
      if (!(rules[action] as Rule).inProject) return;
      expect(decide(limited, action, { ...resource, projectId: 'q' }).allowed).toBe(false);
      expect(decide(limited, action, { ...resource, projectId: null }).allowed).toBe(false);
    });
  });

  it('says why it refuses', () => {
    always((actor, action, resource) => {
      const decision = decide(actor, action, resource);
      if (!decision.allowed) expect(decision.message).toMatch(/^[A-Z].{10,}\.$/);
    });
  });
});

it('tells an app which projects allow an action, where not all do', () => {
  const grants = new Map<string, Role>([
    ['p1', 'OPERATOR'],
    ['p2', 'VIEWER'],
  ]);
  const projectsFor = (actor: Actor, action: Action) =>
    effectivePermissions(actor).find((permission) => permission.action === action)?.projectIds;
  const raised = { ...user('VIEWER'), grants };
  expect(projectsFor(raised, 'goal.steer')).toEqual(['p1']);
  expect(projectsFor(raised, 'goal.read'), 'a viewer reads everywhere').toBeUndefined();
  expect(projectsFor(raised, 'project.register'), 'refused, and in no project').toBeUndefined();
  const limited = { ...user('OPERATOR'), projects: grants };
  expect(projectsFor(limited, 'goal.read')).toEqual(['p1', 'p2']);
  expect(projectsFor(limited, 'goal.steer')).toEqual(['p1']);
  expect(projectsFor(user('OPERATOR'), 'goal.steer')).toBeUndefined();
});

it('tells every action’s decision to an app', () => {
  const permissions = effectivePermissions(user('VIEWER'));
  expect(permissions.map(({ action }) => action)).toEqual(actions);
  expect(permissions.find(({ action }) => action === 'goal.read')?.decision).toEqual({ allowed: true });
  expect(permissions.find(({ action }) => action === 'goal.dispatch')?.decision).toMatchObject({
    reason: 'ROLE',
  });
});

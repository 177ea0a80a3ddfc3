import { describe, expect, it } from 'vitest';
import { allowanceOf, parseViewer } from './viewer.ts';

const raw = {
  __typename: 'Viewer',
  workspaceId: 'Workspace:1',
  workspaceName: 'Home',
  actorKind: 'USER',
  role: 'OPERATOR',
  person: { __typename: 'Person', id: 'Person:1', name: 'Ada', email: null, erased: false },
  hasOwner: true,
  steppedUpUntil: null,
  permissions: [
    { action: 'goal.dispatch', allowed: true, reason: null, message: null, projectIds: ['Project:1'] },
    { action: 'member.invite', allowed: false, reason: 'ROLE', message: 'This needs the role ADMIN.' },
    { action: 'agent.retire', allowed: false, reason: 'STEP_UP', message: 'Confirm first.' },
  ],
  workspaces: [{ workspaceId: 'Workspace:1', name: 'Home', slug: 'default', role: 'OPERATOR' }],
};

describe('who the app is used by', () => {
  it('is read from the answer, and from what was kept of an earlier one', () => {
    const viewer = parseViewer(raw);
    expect(viewer?.person).toEqual({ id: 'Person:1', name: 'Ada', email: null });
    expect(parseViewer(structuredClone(viewer))).toEqual(viewer);
  });

  it('is nobody when the answer is no viewer', () => {
    expect(
      [undefined, null, {}, { ...raw, role: 'KING' }, { ...raw, workspaceId: 7 }].map(parseViewer),
    ).toEqual(Array.from({ length: 5 }));
  });
});

describe('what they may do', () => {
  const viewer = parseViewer(raw);

  it('is what the hive says, with its reason', () => {
    expect(allowanceOf(viewer, 'member.invite')).toMatchObject({
      allowed: false,
      reason: 'ROLE',
      message: 'This needs the role ADMIN.',
    });
  });

  it('counts as allowed where only a confirmation is missing', () => {
    expect(allowanceOf(viewer, 'agent.retire')).toMatchObject({ allowed: true, needsStepUp: true });
  });

  it('depends on the project where access does', () => {
    expect(allowanceOf(viewer, 'goal.dispatch').allowed).toBe(true);
    expect(allowanceOf(viewer, 'goal.dispatch', 'Project:1').allowed).toBe(true);
    expect(allowanceOf(viewer, 'goal.dispatch', 'Project:2')).toMatchObject({
      allowed: false,
      reason: 'PROJECT',
    });
    expect(allowanceOf(viewer, 'goal.dispatch', null).allowed).toBe(false);
  });

  it('counts as allowed while nobody knows', () => {
    expect(allowanceOf(undefined, 'goal.dispatch').allowed).toBe(true);
    expect(allowanceOf(viewer, 'something.new').allowed).toBe(true);
  });
});

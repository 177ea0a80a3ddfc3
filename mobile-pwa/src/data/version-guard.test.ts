import { describe, expect, it } from 'vitest';
import { VersionGuard } from './version-guard.ts';

const task = (version: number, fields: object = {}) => ({ __typename: 'Task', id: 't', version, ...fields });

describe('version guard', () => {
  it('lets newer and equal versions through untouched', () => {
    const guard = new VersionGuard();
    const first = { task: task(1, { status: 'QUEUED' }) };
    const second = { task: task(2, { status: 'RUNNING' }) };
    expect(guard.admit(first)).toBe(first);
    expect(guard.admit(second)).toBe(second);
    expect(guard.admit(second)).toBe(second);
  });

  it('replaces an older answer by the newest known fields, wherever in the data it is', () => {
    const guard = new VersionGuard();
    guard.admit({ events: { subject: task(3, { statusOfTask: 'SUCCEEDED', title: 'New' }) } });
    const late = {
      tasks: { edges: [{ node: task(2, { status: 'RUNNING', title: 'Old', instruction: 'Read' }) }] },
    };
    expect(guard.admit(late).tasks.edges[0]?.node).toEqual(
      task(3, { status: 'SUCCEEDED', title: 'New', instruction: 'Read' }),
    );
  });

  it('collects the fields of one version from several answers', () => {
    const guard = new VersionGuard();
    guard.admit({ a: task(2, { status: 'RUNNING' }) });
    guard.admit({ b: task(2, { title: 'Title' }) });
    expect(guard.admit(task(1, { status: 'QUEUED', title: 'x' }))).toEqual(
      task(2, { status: 'RUNNING', title: 'Title' }),
    );
  });

  it('keeps things without a version, and things of another type, apart', () => {
    const guard = new VersionGuard();
    guard.admit(task(5, { status: 'RUNNING' }));
    const goal = { __typename: 'Goal', id: 't', version: 1, status: 'PLANNING' };
    const bare = { __typename: 'Task', id: 't', title: 'x' };
    expect(guard.admit(goal)).toBe(goal);
    expect(guard.admit(bare)).toBe(bare);
  });
});

import { describe, expect, it } from 'vitest';
import { agentPath, dispatchPath, goalPath, matchRoute, taskPath } from './routes.ts';

describe('routes', () => {
  it('opens the front door at the root', () => {
    expect(matchRoute('/')).toEqual({ view: 'hive-dispatch-view', tab: 'dispatch', id: '' });
  });

  it('finds back every id it puts into a path', () => {
    const id = 'R29hbDo0/+==';
    expect([goalPath, taskPath, agentPath, dispatchPath].map((path) => matchRoute(path(id)))).toEqual([
      { view: 'hive-goal-view', tab: 'work', id },
      { view: 'hive-task-view', tab: 'work', id },
      { view: 'hive-agent-view', tab: 'fleet', id },
      { view: 'hive-dispatch-view', tab: 'dispatch', id },
    ]);
  });

  it('says so when an address leads nowhere', () => {
    for (const path of ['/nope', '/work/goals/%E0%A4%A', '/work/goals/a/b', '/settings/x', '/work/x']) {
      expect(matchRoute(path).view).toBe('hive-missing-view');
    }
  });
});

import { describe, expect, it } from 'vitest';
import {
  agentPath,
  dispatchPath,
  goalPath,
  isAppPath,
  matchRoute,
  pathAfterSignIn,
  signInPath,
  taskPath,
} from './routes.ts';

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
    const paths = [
      '/nope',
      '/work/goals/%E0%A4%A',
      '/work/goals/a/b',
      '/settings/x',
      '/work/x',
      '/constructor',
    ];
    for (const path of paths) expect(matchRoute(path).view).toBe('hive-missing-view');
  });

  it('takes a slash at the end for the same page', () => {
    expect(matchRoute('/work/')).toEqual(matchRoute('/work'));
  });

  it('leaves the server its own pages', () => {
    expect(['/', '/work/goals/1', '/settings/security', '/pair'].map(isAppPath)).not.toContain(false);
    expect(['/graphql', '/health/live', '/api/audit/export', '/workshop'].map(isAppPath)).not.toContain(true);
  });

  it('leads back to where the person was after signing in', () => {
    const back = '/work/goals/Goal%3A1?from=list';
    expect(pathAfterSignIn(new URL(signInPath(back), 'http://hive').search)).toBe(back);
    expect(pathAfterSignIn('')).toBe('/');
    expect(pathAfterSignIn('?to=%2Fjoin')).toBe('/join');
  });

  it('leads nowhere else, whatever the link says', () => {
    const elsewhere = ['//evil.example', '/\\evil.example', 'https://evil.example', 'javascript:alert(1)'];
    const loops = ['/sign-in?to=/work', '/setup', '/graphql', '/\t/evil.example'];
    for (const to of [...elsewhere, ...loops]) {
      expect(pathAfterSignIn(`?to=${encodeURIComponent(to)}`), to).toBe('/');
    }
  });
});

import { describe, expect, it } from 'vitest';
import { appStoresOf, cacheStoresOf, isSamePlace, parseIdentity, storeNames } from './identity.ts';

const ada = { userId: 'Person:1', workspaceId: 'Workspace:1' };

describe('the stores of an identity', () => {
  it('never are those of another person, nor of another workspace', () => {
    const identities = [
      ada,
      { ...ada, workspaceId: 'Workspace:2' },
      { ...ada, userId: 'Person:2' },
      { ...ada, userId: 'Person:11' },
      { userId: null, workspaceId: 'Workspace:1' },
    ];
    const names = identities.map(storeNames).flatMap(({ app, cache }) => [app, cache]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('are found again by the person alone', () => {
    const own = [ada, { ...ada, workspaceId: 'Workspace:2' }].map(storeNames);
    const others = [
      { ...ada, userId: 'Person:11' },
      { userId: null, workspaceId: null },
    ].map(storeNames);
    const names = [...own, ...others].flatMap(({ app, cache }) => [app, cache]);
    expect(appStoresOf('Person:1', names)).toEqual(own.map(({ app }) => app));
    expect(cacheStoresOf('Person:1', names)).toEqual(own.map(({ cache }) => cache));
  });
});

describe('what is kept of an identity', () => {
  it('is read back', () => {
    const identity = { ...ada, name: 'Ada', ended: true };
    expect(parseIdentity(JSON.stringify(identity))).toEqual(identity);
  });

  it('is nobody when it is broken', () => {
    expect([null, '', '{', '7', '"Ada"'].map(parseIdentity)).toEqual(Array.from({ length: 5 }));
  });

  it('tells places apart, but not the workspace of a machine without an owner', () => {
    const here = { ...ada, name: null, ended: false };
    expect(isSamePlace(here, ada)).toBe(true);
    expect(isSamePlace(here, { ...ada, workspaceId: 'Workspace:2' })).toBe(false);
    const machine = { ...here, userId: null };
    expect(isSamePlace(machine, { userId: null, workspaceId: 'Workspace:7' })).toBe(true);
    expect(isSamePlace(machine, ada)).toBe(false);
  });
});

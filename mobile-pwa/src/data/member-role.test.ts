import { expect, it } from 'vitest';
import { reaches, ROLES, rolesToGive } from './member-role.ts';

it('lets an owner change everybody and others only those below them', () => {
  expect(ROLES.filter((role) => reaches('OWNER', role))).toEqual(ROLES);
  expect(ROLES.filter((role) => reaches('ADMIN', role))).toEqual(['OPERATOR', 'VIEWER']);
  expect(ROLES.filter((role) => reaches('VIEWER', role))).toEqual([]);
});

it('offers no role above one’s own', () => {
  expect(rolesToGive('OWNER')).toEqual(ROLES);
  expect(rolesToGive('ADMIN')).toEqual(['ADMIN', 'OPERATOR', 'VIEWER']);
  expect(rolesToGive('OPERATOR')).toEqual(['OPERATOR', 'VIEWER']);
});

import { expect, it } from 'vitest';
import { loginsOf } from './roles.ts';
import { scramVerifier } from './scram.ts';

it('derives two logins from an owner, the same everywhere and different from each other', () => {
  const [tenant, system] = loginsOf({ user: 'hive', password: 'secret' })!;
  expect([tenant, system]).toEqual(loginsOf({ user: 'hive', password: 'secret' }));
  expect([tenant!.role, system!.role]).toEqual(['hive_tenant_login', 'hive_system_login']);
  expect(tenant!.password).not.toBe(system!.password);
  expect(tenant!.password).not.toBe(loginsOf({ user: 'hive', password: 'other' })![0]!.password);
});

it('cuts a name that PostgreSQL would cut in another place', () => {
  const roles = loginsOf({ user: 'x'.repeat(63), password: 'p' })!.map(({ role }) => role);
  expect(roles.map((role) => role.length)).toEqual([63, 63]);
  expect(new Set(roles).size).toBe(2);
});

it.each([null, ''])('derives none from an owner without a password (%j)', (password) => {
  expect(loginsOf({ user: 'hive', password })).toBeUndefined();
});

it('keeps the password out of its verifier', () => {
  expect(scramVerifier('abc')).toMatch(
    /^SCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=$/,
  );
  expect(scramVerifier('abc')).not.toBe(scramVerifier('abc'));
});

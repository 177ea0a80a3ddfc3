import { expect, it } from 'vitest';
import { hashPassword, refusePassword, verifyPassword } from './password-hash.ts';

it('fits its password and no other, each time with another salt', async () => {
  const [one, other] = await Promise.all([hashPassword('correct horse'), hashPassword('correct horse')]);
  expect(one).not.toBe(other);
  expect(await verifyPassword({ hash: one, password: 'correct horse' })).toBe(true);
  expect(await verifyPassword({ hash: one, password: 'correct horsf' })).toBe(false);
  for (const hash of ['', 'plain', 'scrypt$1', `argon2$${one}`])
    expect(await verifyPassword({ hash, password: '' })).toBe(false);
});

it('is the same however the letters were typed', async () => {
  const hash = await hashPassword('Café au lait');
  expect(await verifyPassword({ hash, password: 'Cafe\u0301 au lait' })).toBe(true);
});

it('is refused below 12 characters, as people count them, and above 128', () => {
  expect(refusePassword('a'.repeat(11))).toContain('11 characters');
  expect(refusePassword('🐝'.repeat(11))).toContain('11 characters');
  expect(refusePassword('a'.repeat(12))).toBeUndefined();
  expect(refusePassword('a'.repeat(128))).toBeUndefined();
  expect(refusePassword('a'.repeat(129))).toContain('129 characters');
});

import { hkdfSync } from 'node:crypto';

export interface SecretKey {
  /** Written beside what the key encrypts; a whole number that no other key of this hive had. */
  version: number;
  /** 32 random bytes. */
  key: Uint8Array;
}

export interface SecretKeys {
  current: SecretKey;
  /** Reads what was encrypted before the last rotation. */
  previous?: SecretKey | undefined;
  /** Those before it, as long as sessions they signed may live. */
  older?: readonly SecretKey[] | undefined;
}

/** A key of the identity service's own, so that neither it nor the vault could read what is the other's. */
const label = 'hive identity 1';

export function deriveSecret(key: Uint8Array): string {
  if (key.length !== 32)
    throw new Error(`A secret key has 32 bytes; this one has ${key.length}. See HIVE_SECRET_KEY.`);
  return Buffer.from(hkdfSync('sha256', key, '', label, 32)).toString('base64url');
}

/** In the form better-auth wants: the first encrypts and signs, all decrypt. */
export function derivedSecrets({ current, previous, older = [] }: SecretKeys): {
  version: number;
  value: string;
}[] {
  const before = [...(previous ? [previous] : []), ...older];
  const keys = [current, ...before.filter(({ version }) => version !== current.version)];
  return keys.map(({ version, key }) => ({ version, value: deriveSecret(key) }));
}

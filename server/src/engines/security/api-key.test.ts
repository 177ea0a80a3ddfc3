import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createApiKeySecret, hashApiKey, parseApiKey, startOfApiKey } from './api-key.ts';

/** Repeats what it was given, as long as it is asked. */
function repeating(bytes: Uint8Array): (size: number) => Uint8Array {
  let at = 0;
  return (size) => Uint8Array.from({ length: size }, () => bytes[at++ % bytes.length]!);
}
const seed = fc
  .uint8Array({ minLength: 64, maxLength: 64 })
  .filter((bytes) => bytes.some((byte) => byte < 248));
const printable = [...Array(95).keys()].map((code) => String.fromCodePoint(code + 32));

describe('API keys', () => {
  it('have a prefix and 43 random characters, which are 256 bits, and 6 of checksum', () => {
    const secret = createApiKeySecret();
    expect(secret).toMatch(/^hive_[0-9A-Za-z]{49}$/);
    expect(62n ** 43n).toBeGreaterThan(2n ** 256n);
    expect(startOfApiKey(secret)).toBe(secret.slice(0, 9));
    expect(createApiKeySecret()).not.toBe(secret);
  });

  it('use each letter equally often', () => {
    const every = Uint8Array.from({ length: 256 }, (_, index) => index);
    const random = repeating(every);
    const counts = new Map<string, number>();
    // 248 usable bytes of each 256 make 248 letters: after 43 times 248 of them each letter came 172 times.
    for (let made = 0; made < 248; made += 1)
      for (const letter of createApiKeySecret(random).slice(5, 48))
        counts.set(letter, (counts.get(letter) ?? 0) + 1);
    expect(counts.size).toBe(62);
    // A draw ends in the middle of a round, so letters may differ by what it threw away.
    expect(Math.max(...counts.values()) - Math.min(...counts.values())).toBeLessThan(40);
  });

  it('are recognised as made', () => {
    fc.assert(
      fc.property(seed, (bytes) => {
        const secret = createApiKeySecret(repeating(bytes));
        expect(parseApiKey(secret)).toBe(secret);
      }),
    );
  });

  it('are refused with any one character changed', () => {
    fc.assert(
      fc.property(seed, fc.nat(53), fc.constantFrom(...printable), (bytes, index, letter) => {
        const secret = createApiKeySecret(repeating(bytes));
        fc.pre(secret[index] !== letter);
        expect(parseApiKey(secret.slice(0, index) + letter + secret.slice(index + 1))).toBeUndefined();
      }),
      { numRuns: 2_000 },
    );
    const secret = createApiKeySecret();
    for (let index = 0; index < secret.length; index += 1)
      for (const letter of printable)
        if (letter !== secret[index])
          expect(parseApiKey(secret.slice(0, index) + letter + secret.slice(index + 1))).toBeUndefined();
  });

  it('are refused with characters missing, added, swapped or in other letters', () => {
    const secret = createApiKeySecret(repeating(Uint8Array.of(1, 2, 3, 70, 200)));
    const swapped = `${secret.slice(0, 6)}${secret[7]}${secret[6]}${secret.slice(8)}`;
    for (const text of [
      '',
      'hive_',
      secret.slice(1),
      secret.slice(0, -1),
      `${secret}0`,
      `${secret}\n`,
      ` ${secret}`,
      `${secret} `,
      secret.toLowerCase(),
      secret.replace('hive_', 'hivé_'),
      swapped,
      'x'.repeat(1_000_000),
    ])
      expect(parseApiKey(text)).toBeUndefined();
  });

  it('are refused as random text of the right shape', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^hive_[0-9A-Za-z]{49}$/), (text) => {
        // One in 2^32 has the right checksum by chance.
        expect(parseApiKey(text)).toBeUndefined();
      }),
    );
  });

  it('are stored as 32 bytes that differ for each', () => {
    const [one, two] = [createApiKeySecret(), createApiKeySecret()];
    expect(hashApiKey(one)).toHaveLength(32);
    expect(hashApiKey(one)).toEqual(hashApiKey(one));
    expect(hashApiKey(one)).not.toEqual(hashApiKey(two));
  });
});

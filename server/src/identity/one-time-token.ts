import { createHash, randomBytes } from 'node:crypto';

/** 256 random bits, in letters that survive any URL. */
export function createToken(): string {
  return randomBytes(32).toString('base64url');
}

/** SHA-256: a token has enough randomness of its own to need no salt and no slow hash. */
export function hashToken(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

// Crockford's digits: none of I, L, O, U, which are misread or spell words.
const digits = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** 80 random bits a code, as `XXXX-XXXX-XXXX-XXXX`. */
export function createRecoveryCodes(count = 10): string[] {
  return Array.from({ length: count }, () => {
    const text = [...randomBytes(16)].map((byte) => digits[byte & 31]).join('');
    return text.match(/.{4}/g)!.join('-');
  });
}

/** The same whatever case, spacing and look-alikes somebody copying from paper used. */
export function hashRecoveryCode(code: string): Buffer {
  const plain = code
    .toUpperCase()
    .replace(/[^0-9A-Z]/g, '')
    .replaceAll('O', '0')
    .replace(/[IL]/g, '1');
  return hashToken(plain);
}

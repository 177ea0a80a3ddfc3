import { createHmac, timingSafeEqual } from 'node:crypto';

const periodMs = 30_000;

/**
 * The time step a one-time password belongs to (RFC 6238: SHA-1, 30 s, six digits, one step of drift either way).
 * @param secret its UTF-8 bytes are the key, as in better-auth
 * @returns undefined when it is of none
 */
export function findTotpCounter(secret: string, code: string, at: number): number | undefined {
  const digits = code.replace(/\s/g, '');
  if (!/^\d{6}$/.test(digits)) return undefined;
  const now = Math.floor(at / periodMs);
  return [now, now - 1, now + 1].find((counter) =>
    timingSafeEqual(Buffer.from(digits), Buffer.from(totpAt(secret, counter))),
  );
}

export function totpAt(secret: string, counter: number): string {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const digest = createHmac('sha1', secret).update(message).digest();
  const offset = digest.at(-1)! & 15;
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

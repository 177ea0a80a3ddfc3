import { totpAt } from '../../../server/src/identity/totp.ts';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** An authenticator app that read the QR code: shows the one-time password of now, or of so many steps later. */
export function readTotpUri(uri: string): (steps?: number) => string {
  const base32 = new URL(uri).searchParams.get('secret')!;
  const bits = Array.from(base32, (letter) => alphabet.indexOf(letter).toString(2).padStart(5, '0')).join('');
  const bytes = bits.match(/.{8}/g)!.map((byte) => Number.parseInt(byte, 2));
  const secret = Buffer.from(bytes).toString('utf8');
  return (steps = 0) => totpAt(secret, Math.floor(Date.now() / 30_000) + steps);
}

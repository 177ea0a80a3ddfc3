import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/**
 * OWASP's cheat sheet on password storage gives N=2^17 r=8 p=1 and, of the same cost to an attacker, N=2^15 r=8 p=3: the
 * latter needs 32 MB instead of 128 for each sign-in that runs. better-auth's own (N=2^14 r=16 p=1) is a quarter of it.
 * https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html
 */
const current = { N: 2 ** 15, r: 8, p: 3 };
const keyBytes = 32;

export const passwordLength = { min: 12, max: 128 };

/** Two at once: a flood of sign-ins would else take 32 MB each, and all threads of the pool that files and DNS use. */
const mostAtOnce = 2;
let running = 0;
const waiting: (() => void)[] = [];

/** `scrypt$N$r$p$salt$key`, the last two in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16);
  const key = await derive(password, salt, current);
  const { N, r, p } = current;
  return ['scrypt', N, r, p, salt.toString('base64url'), key.toString('base64url')].join('$');
}

export async function verifyPassword({
  hash,
  password,
}: {
  hash: string;
  password: string;
}): Promise<boolean> {
  const [kind, N, r, p, salt, key] = hash.split('$');
  if (kind !== 'scrypt' || !salt || !key) return false;
  const expected = Buffer.from(key, 'base64url');
  const found = await derive(password, Buffer.from(salt, 'base64url'), {
    N: Number(N),
    r: Number(r),
    p: Number(p),
  });
  return found.length === expected.length && timingSafeEqual(found, expected);
}

/** @returns why not, when the password is not acceptable */
export function refusePassword(password: string): string | undefined {
  const { min, max } = passwordLength;
  // Code points, not UTF-16 units: most emojis then count as one.
  const { length } = Array.from(password.normalize('NFKC'));
  if (length < min) return `The password has ${length} characters; it needs at least ${min}.`;
  if (password.length > max)
    return `The password has ${password.length} characters; at most ${max} are possible.`;
  return undefined;
}

async function derive(password: string, salt: Buffer, cost: typeof current): Promise<Buffer> {
  if (running >= mostAtOnce) await new Promise<void>((resolve) => waiting.push(resolve));
  else running += 1;
  try {
    return await new Promise((resolve, reject) => {
      const maxmem = 128 * cost.N * cost.r + 128 * cost.r * cost.p + 1_048_576;
      scrypt(password.normalize('NFKC'), salt, keyBytes, { ...cost, maxmem }, (error, key) => {
        if (error) reject(error);
        else resolve(key);
      });
    });
  } finally {
    const next = waiting.shift();
    // The place is handed over, not given back: nobody can slip in between.
    if (next) next();
    else running -= 1;
  }
}

import { createPublicKey, verify, type KeyObject, type webcrypto } from 'node:crypto';
import { isUuid } from '../lib/ids.ts';
import type { Sql } from '../stores/sql.ts';

export const serviceTokenMinutes = 15;
/** A new signing key every month; the one before stays published for a day, far longer than any token lives. */
export const serviceKeyRotationSeconds = 30 * 86_400;
export const serviceKeyGraceSeconds = 86_400;

/** A public key never changes under its id; only its end is looked for again. */
const keyCacheMs = 60_000;
const keyCacheSize = 16;

export interface VerifiedServiceToken {
  /** Of the API key it was exchanged for. */
  keyId: string;
  /** ms since 1970 */
  expiresAt: number;
}

/**
 * Checks service tokens: EdDSA and nothing else, whatever the token's header asks for; a key of ours; for us, from us,
 * and not expired. Done here and not by a library, because it runs on every request and the library need not be loaded.
 */
export function createServiceTokenVerifier(sql: Sql, issuer: string) {
  const keys = new Map<string, { key: KeyObject; readAt: number }>();

  async function findKey(kid: string): Promise<KeyObject | undefined> {
    const cached = keys.get(kid);
    if (cached && Date.now() - cached.readAt < keyCacheMs) return cached.key;
    keys.delete(kid);
    const [row] = await sql.rows<{ publicKey: string }>(
      `/* findServiceKey */
      select public_key as "publicKey" from identity.jwks
      where id = $1 and alg = 'EdDSA' and (expires_at is null or expires_at > now() - $2 * interval '1 second')`,
      [kid, serviceKeyGraceSeconds],
    );
    if (!row) return undefined;
    const key = createPublicKey({ key: JSON.parse(row.publicKey) as webcrypto.JsonWebKey, format: 'jwk' });
    if (key.asymmetricKeyType !== 'ed25519') return undefined;
    if (keys.size >= keyCacheSize) keys.clear();
    keys.set(kid, { key, readAt: Date.now() });
    return key;
  }

  return async (token: string): Promise<VerifiedServiceToken | undefined> => {
    const [head, body, signature, ...rest] = token.split('.');
    if (!head || !body || !signature || rest.length > 0 || token.length > 4_096) return undefined;
    const header = parsePart(head);
    const claims = parsePart(body);
    if (!header || !claims) return undefined;
    const { alg, kid, crit } = header;
    if (alg !== 'EdDSA' || crit !== undefined || typeof kid !== 'string' || !isUuid(kid)) return undefined;
    const { iss, aud, exp, sub } = claims;
    if (iss !== issuer || aud !== issuer || typeof exp !== 'number' || typeof sub !== 'string')
      return undefined;
    if (exp * 1_000 <= Date.now() || !isUuid(sub)) return undefined;
    const key = await findKey(kid);
    if (!key) return undefined;
    const isGenuine = verify(null, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'));
    return isGenuine ? { keyId: sub, expiresAt: exp * 1_000 } : undefined;
  };
}

function parsePart(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString('utf8'));
    return value !== null && typeof value === 'object' && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

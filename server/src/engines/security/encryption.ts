import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { deriveFrom, type Keyring, type MasterKey } from './keyring.ts';
import { registerSecretValue } from './redaction.ts';

/** Where a secret belongs. A ciphertext that is moved to another place does not decrypt there. */
export interface SecretPlace {
  /** Each purpose has a key of its own. */
  purpose: string;
  workspaceId: string;
  name: string;
}

const envelope = /^v1\.([0-9a-f]{8})\.([A-Za-z0-9_-]{16})\.([A-Za-z0-9_-]{22,})$/;
const tagBytes = 16;

/**
 * AES-256-GCM under a key derived from the current master key: `v1.<key id>.<nonce>.<ciphertext and tag>`, base64url. Nonces are
 * random, which one key may do 2^32 times (NIST SP 800-38D); a hive has some thousand secrets.
 */
export function encryptSecret(keyring: Pick<Keyring, 'current'>, text: string, place: SecretPlace): string {
  const master = keyring.current;
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', keyFor(master, place), nonce, { authTagLength: tagBytes });
  cipher.setAAD(additionalData(place));
  const sealed = Buffer.concat([cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  registerSecretValue(text);
  return `v1.${master.id}.${nonce.toString('base64url')}.${sealed.toString('base64url')}`;
}

/**
 * @throws Error that names the secret, never its text: the key is missing, or the envelope was damaged or belongs elsewhere
 */
export function decryptSecret(keyring: Pick<Keyring, 'find'>, text: string, place: SecretPlace): string {
  const match = envelope.exec(text);
  if (!match) throw new Error(`The stored secret ${place.name} is damaged. Set it again.`);
  const [, keyId, nonce, body] = match as unknown as [string, string, string, string];
  const master = keyring.find(keyId);
  if (!master)
    throw new Error(
      `The stored secret ${place.name} was encrypted with the key ${keyId}, which is not there. Restore it (HIVE_SECRET_KEY_PREVIOUS, or secret.key in the data folder), or set the secret again.`,
    );
  const sealed = Buffer.from(body, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', keyFor(master, place), Buffer.from(nonce, 'base64url'), {
    authTagLength: tagBytes,
  });
  decipher.setAAD(additionalData(place));
  decipher.setAuthTag(sealed.subarray(-tagBytes));
  try {
    const plain = Buffer.concat([decipher.update(sealed.subarray(0, -tagBytes)), decipher.final()]);
    const result = plain.toString('utf8');
    registerSecretValue(result);
    return result;
  } catch (cause) {
    throw new Error(
      `The stored secret ${place.name} does not decrypt: it was damaged, or moved here from another place. Set it again.`,
      { cause },
    );
  }
}

/** Of the master key an envelope was made with; undefined when it is none. */
export function keyIdOf(text: string): string | undefined {
  return envelope.exec(text)?.[1];
}

function keyFor(master: MasterKey, { purpose }: SecretPlace): Buffer {
  return deriveFrom(master, `hive secrets 1 ${purpose}`);
}

/** JSON, so that no two places give the same bytes. */
function additionalData({ purpose, workspaceId, name }: SecretPlace): Buffer {
  return Buffer.from(JSON.stringify(['hive', 1, purpose, workspaceId, name]));
}

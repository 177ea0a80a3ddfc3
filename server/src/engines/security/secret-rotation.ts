import { messageOf } from '../../lib/errors.ts';
import { keepKeyMark, listOtherwiseKeyed, lockKeyChange, reencrypt } from '../../stores/secret-store.ts';
import type { Sql } from '../../stores/sql.ts';
import { decryptSecret, encryptSecret } from './encryption.ts';
import type { Keyring } from './keyring.ts';

export const storedSecretPurpose = 'stored';

export interface RotationDeps {
  /** Runs work in a transaction with the rights of the system. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  keyring: Keyring;
  /**
   * Encrypts anew what others keep under the master key, such as one-time-password secrets. Called when the new key is
   * current and the old one still readable. Without it the old key is never retired.
   * @returns how many
   */
  also?: (() => Promise<number>) | undefined;
}

export interface Rotation {
  reencryptedCount: number;
  /** Secrets that do not decrypt with any key that is there, `workspace/name`, and why. While there are any, no key is retired. */
  failed: string[];
  /** Whether the keys before are no longer needed for reading. */
  retired: boolean;
}

const batchSize = 200;
const firstId = '00000000-0000-0000-0000-000000000000';

/**
 * Moves every secret to a new key: with a key file to one that is made now, with a key of the environment to that one. Each
 * batch is a transaction, and every secret can be read at every moment, with the old key or the new: killed anywhere, it
 * goes on where it was when it is run again.
 */
export async function rotateAll(deps: RotationDeps): Promise<Rotation> {
  const { transaction, keyring, also } = deps;
  await transaction(async (sql) => {
    await lockKeyChange(sql);
    // One that was begun is finished instead of adding a third key.
    if (keyring.source === 'FILE' && !keyring.isRotating) keyring.add();
  });
  const failed: string[] = [];
  let reencryptedCount = await moveSecrets(deps, failed);
  if (also) reencryptedCount += await also();
  const retired = failed.length === 0 && also !== undefined;
  if (retired)
    await transaction(async (sql) => {
      await lockKeyChange(sql);
      await keepKeyMark(sql, keyring.current.id);
      keyring.retire();
    });
  return { reencryptedCount, failed, retired };
}

async function moveSecrets({ transaction, keyring }: RotationDeps, failed: string[]): Promise<number> {
  let count = 0;
  for (let after = firstId; ;) {
    const batch = await transaction(async (sql) => {
      const { id: keyId } = keyring.current;
      const rows = await listOtherwiseKeyed(sql, keyId, after, batchSize);
      const changes = rows.flatMap(({ id, workspaceId, name, ciphertext }) => {
        const place = { purpose: storedSecretPurpose, workspaceId, name };
        try {
          const to = encryptSecret(keyring, decryptSecret(keyring, ciphertext, place), place);
          return [{ id, from: ciphertext, to }];
        } catch (error) {
          failed.push(`${workspaceId}/${name}: ${messageOf(error)}`);
          return [];
        }
      });
      count += await reencrypt(sql, keyId, changes);
      return rows;
    });
    if (batch.length < batchSize) return count;
    after = batch.at(-1)!.id;
  }
}

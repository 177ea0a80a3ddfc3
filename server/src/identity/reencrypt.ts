import type { Pool } from 'pg';
import { sqlOfPool } from '../stores/sql.ts';
import { derivedSecrets, type SecretKeys } from './secret-keys.ts';

/** Columns that better-auth encrypts. A private key is kept as the JSON of its encrypted text. */
const encrypted = [
  { table: 'two_factor', column: 'secret', isJson: false },
  { table: 'two_factor', column: 'backup_codes', isJson: false },
  { table: 'jwks', column: 'private_key', isJson: true },
  { table: 'account', column: 'access_token', isJson: false },
  { table: 'account', column: 'refresh_token', isJson: false },
] as const;

/**
 * Encrypts with the current key what an earlier one encrypted. May be repeated, and run while the hive serves: a row that
 * changes meanwhile is left to its new value, which the current key encrypted.
 * @returns how many values were rewritten
 * @throws Error when neither key fits a value
 */
export async function reencryptIdentity(pool: Pool, keys: SecretKeys): Promise<number> {
  const { symmetricDecrypt, symmetricEncrypt } = await import('better-auth/crypto');
  const secrets = derivedSecrets(keys);
  const currentVersion = secrets[0]!.version;
  const key = {
    keys: new Map(secrets.map(({ version, value }) => [version, value])),
    currentVersion,
  };
  const prefix = `$ba$${currentVersion}$`;
  const sql = sqlOfPool(pool);
  let count = 0;
  for (const { table, column, isJson } of encrypted) {
    const quote = isJson ? '"' : '';
    const rows = await sql.rows<{ id: string; value: string }>(
      `select id, ${column} as value from identity.${table}
      where ${column} is not null and not starts_with(${column}, $1) order by id`,
      [quote + prefix],
    );
    for (const { id, value } of rows) {
      const cipher = isJson ? (JSON.parse(value) as string) : value;
      const data = await symmetricDecrypt({ key, data: cipher }).catch((cause: unknown) => {
        throw new Error(
          `The ${column} of ${table} ${id} was encrypted with a key that is neither the current nor the previous one. Set HIVE_SECRET_KEY_PREVIOUS to that key.`,
          { cause },
        );
      });
      const renewed = await symmetricEncrypt({ key, data });
      const changed = await sql.rows(
        `update identity.${table} set ${column} = $3 where id = $1 and ${column} = $2 returning id`,
        [id, value, isJson ? JSON.stringify(renewed) : renewed],
      );
      count += changed.length;
    }
  }
  return count;
}

import { isAnythingKeyed, keepKeyMark, readKeyMark } from '../../stores/secret-store.ts';
import type { Sql } from '../../stores/sql.ts';
import type { Keyring } from './keyring.ts';

/**
 * Sees to it that the database was kept with a key that is there. A server with another one would run, but sign nobody in
 * whom the others did, and write what they cannot read. Before anything was encrypted or signed it does no harm: then the
 * key is this one from now on.
 * @param sql of the role hive_system
 * @throws Error in words for the operator
 */
export async function assertKeyOfDatabase(
  sql: Sql,
  keyring: Pick<Keyring, 'current' | 'find' | 'source'>,
  log: { warn(fields: object, message: string): void },
): Promise<void> {
  const { id } = keyring.current;
  const marked = await readKeyMark(sql);
  if (marked !== undefined && keyring.find(marked)) return;
  if (marked !== undefined && (await isAnythingKeyed(sql))) throw new Error(explain(marked, id, keyring));
  await keepKeyMark(sql, id);
  if (marked !== undefined)
    log.warn(
      { key: id, before: marked },
      'the database was used with another secret key before: give every server on it the same HIVE_SECRET_KEY',
    );
}

function explain(marked: string, id: string, { source }: Pick<Keyring, 'source'>): string {
  const own = source === 'FILE' ? 'secret.key in the data folder' : 'HIVE_SECRET_KEY';
  return (
    `The database is kept with the secret key ${marked}, and this hive has ${id} (${own}): neither could read what the other encrypts or signs. ` +
    'Give every server on a database the same HIVE_SECRET_KEY, or copy secret.key from the data folder of the first one; after a change of HIVE_SECRET_KEY set the old one as HIVE_SECRET_KEY_PREVIOUS. ' +
    'If the key is lost for good, run `npx -y pnpm@12 hive secrets rotate --lost`.'
  );
}

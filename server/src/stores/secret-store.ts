import type { Sql } from './sql.ts';

/** What may be told of a secret. */
export interface SecretRow {
  id: string;
  name: string;
  /** Id of a user, or null when it was nobody who has one. */
  updatedBy: string | null;
  createdAt: Date;
  updatedAt: Date;
}

export interface StoredSecret {
  id: string;
  workspaceId: string;
  name: string;
  ciphertext: string;
}

/** Rotations take it alone, writers together: no secret is written with a key that a rotation has just replaced. */
const writingLock = 4_851_302_179;

/** Until the end of the transaction the current key stays the current one. */
export async function holdCurrentKey(sql: Sql): Promise<void> {
  await sql.rows(`/* holdCurrentKey */ select pg_advisory_xact_lock_shared($1)`, [writingLock]);
}

/** Waits for everybody who is writing with the present key, and keeps others from beginning. */
export async function lockKeyChange(sql: Sql): Promise<void> {
  await sql.rows(`/* lockKeyChange */ select pg_advisory_xact_lock($1)`, [writingLock]);
}

/** The id of the master key the database is kept with; undefined while nothing was said. */
export async function readKeyMark(sql: Sql): Promise<string | undefined> {
  const [row] = await sql.rows<{ key_id: string }>(`/* readKeyMark */ select key_id from master_key`);
  return row?.key_id;
}

export async function keepKeyMark(sql: Sql, keyId: string): Promise<void> {
  await sql.rows(
    `/* keepKeyMark */
    insert into master_key as m (key_id) values ($1)
    on conflict (only_row) do update set key_id = excluded.key_id, since = clock_timestamp()
    where m.key_id <> excluded.key_id`,
    [keyId],
  );
}

/** Whether anything is there that was encrypted or signed under a master key. */
export async function isAnythingKeyed(sql: Sql): Promise<boolean> {
  const [row] = await sql.rows<{ found: boolean }>(
    `/* isAnythingKeyed */
    select exists (select from secret) or exists (select from identity."user") as found`,
  );
  return row?.found === true;
}

const columns = `id, name, updated_by as "updatedBy",
  extract(epoch from created_at) * 1000 as "createdMs", extract(epoch from updated_at) * 1000 as "updatedMs"`;

interface RawSecret {
  id: string;
  name: string;
  updatedBy: string | null;
  createdMs: string;
  updatedMs: string;
}

// A pool gives dates where a transaction gives text; numbers are the same from both.
function toRow({ createdMs, updatedMs, ...rest }: RawSecret): SecretRow {
  return { ...rest, createdAt: new Date(Number(createdMs)), updatedAt: new Date(Number(updatedMs)) };
}

/** @returns the id, the same when the name was there */
export async function putSecret(
  sql: Sql,
  secret: { workspaceId: string; name: string; ciphertext: string; keyId: string; updatedBy: string | null },
): Promise<string> {
  const [row] = await sql.rows<{ id: string }>(
    `/* putSecret */
    insert into secret (workspace_id, name, ciphertext, key_id, updated_by) values ($1, $2, $3, $4, $5)
    on conflict (workspace_id, name) do update set ciphertext = excluded.ciphertext, key_id = excluded.key_id,
      updated_by = excluded.updated_by, updated_at = clock_timestamp()
    returning id`,
    [secret.workspaceId, secret.name, secret.ciphertext, secret.keyId, secret.updatedBy],
  );
  return row!.id;
}

/** @returns its id, undefined when there was none */
export async function removeSecret(sql: Sql, workspaceId: string, name: string): Promise<string | undefined> {
  const [row] = await sql.rows<{ id: string }>(
    `/* removeSecret */ delete from secret where workspace_id = $1 and name = $2 returning id`,
    [workspaceId, name],
  );
  return row?.id;
}

export async function listSecretRows(sql: Sql, workspaceId: string): Promise<SecretRow[]> {
  const rows = await sql.rows<RawSecret>(
    `/* listSecretRows */ select ${columns} from secret where workspace_id = $1 order by name`,
    [workspaceId],
  );
  return rows.map(toRow);
}

export async function findSecretRow(
  sql: Sql,
  workspaceId: string,
  name: string,
): Promise<SecretRow | undefined> {
  const [row] = await sql.rows<RawSecret>(
    `/* findSecretRow */ select ${columns} from secret where workspace_id = $1 and name = $2`,
    [workspaceId, name],
  );
  return row && toRow(row);
}

export async function findCiphertext(
  sql: Sql,
  workspaceId: string,
  name: string,
): Promise<string | undefined> {
  const [row] = await sql.rows<{ ciphertext: string }>(
    `/* findCiphertext */ select ciphertext from secret where workspace_id = $1 and name = $2`,
    [workspaceId, name],
  );
  return row?.ciphertext;
}

/** Secrets under another key than this, by id behind `after`. */
export function listOtherwiseKeyed(
  sql: Sql,
  keyId: string,
  after: string,
  limit: number,
): Promise<StoredSecret[]> {
  return sql.rows<StoredSecret>(
    `/* listOtherwiseKeyed */
    select id, workspace_id as "workspaceId", name, ciphertext from secret
    where key_id <> $1 and id > $2 order by id limit $3`,
    [keyId, after, limit],
  );
}

/** Exchanges ciphertexts that are still what they were; one that was set anew meanwhile stays. @returns how many */
export async function reencrypt(
  sql: Sql,
  keyId: string,
  changes: readonly { id: string; from: string; to: string }[],
): Promise<number> {
  if (changes.length === 0) return 0;
  const rows = await sql.rows(
    `/* reencryptSecrets */
    update secret s set ciphertext = c.new, key_id = $1
    from unnest($2::uuid[], $3::text[], $4::text[]) as c (id, old, new)
    where s.id = c.id and s.ciphertext = c.old returning s.id`,
    [
      keyId,
      changes.map((change) => change.id),
      changes.map((change) => change.from),
      changes.map((change) => change.to),
    ],
  );
  return rows.length;
}

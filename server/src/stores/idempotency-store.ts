import { IdempotencyConflictError, ValidationError } from '../lib/errors.ts';
import { hashJson } from '../lib/json.ts';
import type { Sql } from './sql.ts';

export interface IdempotentCall {
  workspaceId: string;
  /** The mutation's name; keys of different operations never meet. */
  operation: string;
  key: string | null | undefined;
  /** The input without the key. */
  input: unknown;
}

/**
 * Runs `effect` once per key, inside the caller's transaction. A repeat with the same input gives the id of the first
 * result; the primary key makes two calls at the same moment wait for each other.
 * @param effect makes the change and returns the id of the thing changed
 * @throws IdempotencyConflictError for the same key with another input
 */
export async function once(
  sql: Sql,
  call: IdempotentCall,
  effect: () => Promise<string>,
): Promise<{ id: string; repeated: boolean }> {
  const { key, workspaceId, operation } = call;
  if (key === null || key === undefined) return { id: await effect(), repeated: false };
  if (key.length === 0 || key.length > 200) {
    throw new ValidationError([
      {
        path: 'idempotencyKey',
        message: `must be 1 to 200 characters, has ${key.length}`,
        value: key.slice(0, 200),
      },
    ]);
  }
  const inputHash = hashJson(call.input);
  const placeholder = '00000000-0000-0000-0000-000000000000';
  const [inserted] = await sql.rows<{ key: string }>(
    `/* reserveIdempotencyKey */
    insert into idempotency_key (workspace_id, operation, key, input_hash, result_id) values ($1, $2, $3, $4, $5)
    on conflict do nothing returning key`,
    [workspaceId, operation, key, inputHash, placeholder],
  );
  if (!inserted) {
    const [found] = await sql.rows<{ input_hash: string; result_id: string }>(
      `/* findIdempotencyKey */
      select input_hash, result_id from idempotency_key where workspace_id = $1 and operation = $2 and key = $3`,
      [workspaceId, operation, key],
    );
    if (!found || found.input_hash !== inputHash) throw new IdempotencyConflictError(key);
    return { id: found.result_id, repeated: true };
  }
  const id = await effect();
  await sql.rows(
    `/* keepIdempotentResult */
    update idempotency_key set result_id = $4 where workspace_id = $1 and operation = $2 and key = $3`,
    [workspaceId, operation, key, id],
  );
  return { id, repeated: false };
}

/** How long a repeat is recognised, in days; the longest a phone may have been away with something to send. */
export const idempotencyDays = 30;

/** Forgets keys past their time, a bounded number at once. @returns how many */
export async function forgetOldKeys(sql: Sql): Promise<number> {
  const rows = await sql.rows(
    `/* forgetOldIdempotencyKeys */
    delete from idempotency_key where (workspace_id, operation, key) in (
      select workspace_id, operation, key from idempotency_key
      where created_at < now() - $1 * interval '1 day' order by created_at limit 10000
    ) returning key`,
    [idempotencyDays],
  );
  return rows.length;
}

import type { Sql } from '../stores/sql.ts';
import { createRecoveryCodes, createToken, hashRecoveryCode, hashToken } from './one-time-token.ts';

export const setupMinutes = 15;
export const pairingMinutes = 5;

const hex = (token: string) => hashToken(token).toString('hex');

/** A setup link's token; every earlier one that was not used ends. @param userId the owner whose credentials were reset */
export async function createSetupToken(
  sql: Sql,
  userId?: string,
): Promise<{ token: string; expiresAt: Date }> {
  const token = createToken();
  const [row] = await sql.rows<{ at: number }>(
    `/* createSetupToken */
    with earlier as (delete from identity.setup_token where used_at is null)
    insert into identity.setup_token (token_hash, user_id, expires_at)
    values ($1, $2, now() + $3 * interval '1 minute')
    returning (extract(epoch from expires_at) * 1000)::float8 as at`,
    [hex(token), userId ?? null, setupMinutes],
  );
  return { token, expiresAt: new Date(row!.at) };
}

export interface SetupToken {
  id: string;
  /** Of the account that belongs to it already. */
  userId: string | null;
  expiresAt: string;
}

export async function findSetupToken(sql: Sql, token: string): Promise<SetupToken | undefined> {
  const [row] = await sql.rows<{ id: string; userId: string | null; at: number }>(
    `/* findSetupToken */
    select id, user_id as "userId", (extract(epoch from expires_at) * 1000)::float8 as at
    from identity.setup_token where token_hash = $1 and used_at is null and expires_at > now()`,
    [hex(token)],
  );
  return row && { id: row.id, userId: row.userId, expiresAt: new Date(row.at).toISOString() };
}

/** Once: of two at the same moment one gets false. */
export async function spendSetupToken(sql: Sql, id: string, userId: string): Promise<boolean> {
  const rows = await sql.rows(
    `/* spendSetupToken */
    update identity.setup_token set used_at = now(), user_id = $2
    where id = $1 and used_at is null and expires_at > now() returning id`,
    [id, userId],
  );
  return rows.length > 0;
}

/** The account is made; the token stays good for it until there is a credential. */
export async function bindSetupToken(sql: Sql, id: string, userId: string): Promise<boolean> {
  const rows = await sql.rows(
    `/* bindSetupToken */
    update identity.setup_token set user_id = $2
    where id = $1 and used_at is null and expires_at > now() and (user_id is null or user_id = $2) returning id`,
    [id, userId],
  );
  return rows.length > 0;
}

/** Ends the token of an account that has a passkey now. @returns whether there was one */
export async function finishSetup(sql: Sql, userId: string): Promise<boolean> {
  const rows = await sql.rows(
    `/* finishSetup */
    update identity.setup_token set used_at = now() where user_id = $1 and used_at is null
      and exists (select 1 from identity.passkey where passkey.user_id = $1) returning id`,
    [userId],
  );
  return rows.length > 0;
}

/** One a person at a time: starting again ends the code shown before. */
export async function createPairing(
  sql: Sql,
  userId: string,
  sessionId: string,
): Promise<{ token: string; expiresAt: Date }> {
  const token = createToken();
  const [row] = await sql.rows<{ at: number }>(
    `/* createPairing */
    with earlier as (delete from identity.pairing where user_id = $2 and claimed_at is null)
    insert into identity.pairing (token_hash, user_id, session_id, expires_at)
    values ($1, $2, $3, now() + $4 * interval '1 minute')
    returning (extract(epoch from expires_at) * 1000)::float8 as at`,
    [hex(token), userId, sessionId, pairingMinutes],
  );
  return { token, expiresAt: new Date(row!.at) };
}

/** Once, and while the device that shows it is signed in. `steppedUpAt` is that device's, ms since 1970. */
export async function claimPairing(
  sql: Sql,
  token: string,
): Promise<{ id: string; userId: string; steppedUpAt: number | null } | undefined> {
  const [row] = await sql.rows<{ id: string; userId: string; steppedUpAt: number | null }>(
    `/* claimPairing */
    update identity.pairing set claimed_at = now() from identity.session
    where token_hash = $1 and claimed_at is null and pairing.expires_at > now()
      and session.id = pairing.session_id and session.expires_at > now()
    returning pairing.id, pairing.user_id as "userId",
      (extract(epoch from session.stepped_up_at) * 1000)::float8 as "steppedUpAt"`,
    [hex(token)],
  );
  return row;
}

export async function setPairedSession(sql: Sql, id: string, sessionId: string): Promise<void> {
  await sql.rows(`/* setPairedSession */ update identity.pairing set claimed_session_id = $2 where id = $1`, [
    id,
    sessionId,
  ]);
}

export async function findPairing(
  sql: Sql,
  token: string,
  userId: string,
): Promise<{ isOpen: boolean; isClaimed: boolean; sessionId: string | null } | undefined> {
  const [row] = await sql.rows<{ isOpen: boolean; isClaimed: boolean; sessionId: string | null }>(
    `/* findPairing */
    select claimed_at is null and expires_at > now() as "isOpen", claimed_at is not null as "isClaimed",
      claimed_session_id as "sessionId"
    from identity.pairing where token_hash = $1 and user_id = $2`,
    [hex(token), userId],
  );
  return row;
}

/** Ten new codes; the earlier ones are void. Call it in a transaction. */
export async function replaceRecoveryCodes(sql: Sql, userId: string): Promise<string[]> {
  const codes = createRecoveryCodes();
  await sql.rows(`/* voidRecoveryCodes */ delete from identity.recovery_code where user_id = $1`, [userId]);
  await sql.rows(
    `/* insertRecoveryCodes */
    insert into identity.recovery_code (user_id, code_hash) select $1, unnest($2::text[])`,
    [userId, codes.map((code) => hashRecoveryCode(code).toString('hex'))],
  );
  return codes;
}

/** One statement, so that an address nobody has takes the same work as a wrong code. */
export async function useRecoveryCode(
  sql: Sql,
  email: string,
  code: string,
): Promise<{ userId: string; left: number } | undefined> {
  const [row] = await sql.rows<{ userId: string; left: number }>(
    `/* useRecoveryCode */
    update identity.recovery_code used set used_at = now() from identity."user" u
    where u.email = $1 and u.erased_at is null and used.user_id = u.id and used.code_hash = $2
      and used.used_at is null
    returning u.id as "userId", (select count(*)::int - 1 from identity.recovery_code other
      where other.user_id = u.id and other.used_at is null) as left`,
    [email.toLowerCase(), hashRecoveryCode(code).toString('hex')],
  );
  return row;
}

/** @returns false when the one-time password of this time step was used before */
export async function useTotpCounter(sql: Sql, userId: string, counter: number): Promise<boolean> {
  const rows = await sql.rows(
    `/* useTotpCounter */
    with old as (delete from identity.totp_use where user_id = $1 and counter < $2::bigint - 10)
    insert into identity.totp_use (user_id, counter) values ($1, $2) on conflict do nothing returning counter`,
    [userId, counter],
  );
  return rows.length > 0;
}

import type { Sql } from '../stores/sql.ts';

/**
 * Removes what a lost master key signed or encrypted of people: sessions, one-time-password secrets, the keys of service tokens and
 * tokens of other providers. Passwords, passkeys and recovery codes do not depend on it.
 * @param sql of the role hive_system, in a transaction
 */
export async function forgetKeyed(sql: Sql): Promise<void> {
  await sql.rows(`/* forgetKeyedSessions */ delete from identity.session`);
  await sql.rows(`/* forgetKeyedTwoFactor */ delete from identity.two_factor`);
  await sql.rows(
    `/* forgetTwoFactorOfPeople */ update identity."user" set two_factor_enabled = false where two_factor_enabled`,
  );
  await sql.rows(`/* forgetServiceKeys */ delete from identity.jwks`);
  await sql.rows(
    `/* forgetProviderTokens */
    update identity.account set access_token = null, refresh_token = null, id_token = null
    where coalesce(access_token, refresh_token, id_token) is not null`,
  );
}

import type { Json } from '../lib/json.ts';
import type { Sql } from '../stores/sql.ts';
import type { Person } from './identity-options.ts';

export interface NewPerson {
  name: string;
  /** Lower case. */
  email: string;
  /** Only where somebody vouches for it: then accounts elsewhere with the same verified address belong to it. */
  emailVerified?: boolean;
}

/** @returns undefined when the address is taken */
export async function insertPerson(
  sql: Sql,
  { name, email, emailVerified = false }: NewPerson,
): Promise<Person | undefined> {
  const [row] = await sql.rows<Person>(
    `/* insertPerson */
    insert into identity."user" (name, email, email_verified) values ($1, $2, $3)
    on conflict do nothing returning id, name, email, false as erased`,
    [name, email, emailVerified],
  );
  return row;
}

/** @returns undefined when the address is somebody else's, or nobody has the id */
export async function renamePerson(
  sql: Sql,
  id: string,
  { name, email, emailVerified = false }: NewPerson,
): Promise<Person | undefined> {
  const [row] = await sql.rows<Person>(
    `/* renamePerson */
    update identity."user" set name = $2, email = $3, email_verified = $4, updated_at = now()
    where id = $1 and erased_at is null
      and not exists (select 1 from identity."user" other where other.email = $3 and other.id <> $1)
    returning id, name, email, false as erased`,
    [id, name, email, emailVerified],
  );
  return row;
}

export async function findPersonByEmail(sql: Sql, email: string): Promise<Person | undefined> {
  const [row] = await sql.rows<Person>(
    `/* findPersonByEmail */
    select id, name, email, erased_at is not null as erased from identity."user" where email = $1`,
    [email.toLowerCase()],
  );
  return row;
}

export function findPeople(sql: Sql, ids: readonly string[]): Promise<Person[]> {
  if (ids.length === 0) return Promise.resolve([]);
  return sql.rows(
    `/* findPeople */
    select id, name, email, erased_at is not null as erased from identity."user" where id = any($1::uuid[])`,
    [[...ids]],
  );
}

/** Sets or replaces it. */
export async function setPasswordHash(sql: Sql, userId: string, hash: string): Promise<void> {
  await sql.rows(
    `/* setPasswordHash */
    insert into identity.account (user_id, account_id, provider_id, password)
    values ($1::uuid, $1::text, 'credential', $2)
    on conflict (provider_id, account_id) do update set password = excluded.password, updated_at = now()`,
    [userId, hash],
  );
}

/** Every way in: passkeys, passwords, linked accounts, second factor, recovery codes, sessions, links under way. */
export async function dropCredentials(sql: Sql, userId: string): Promise<void> {
  for (const table of [
    'passkey',
    'account',
    'two_factor',
    'totp_use',
    'recovery_code',
    'pairing',
    'session',
    'setup_token',
  ])
    await sql.rows(`delete from identity.${table} where user_id = $1`, [userId]);
  await sql.rows(
    `/* dropSecondFactorFlag */
    update identity."user" set two_factor_enabled = false, updated_at = now() where id = $1`,
    [userId],
  );
  // Challenges of sign-ins under way name the user as their value.
  await sql.rows(`/* dropChallenges */ delete from identity.verification where value = $1`, [userId]);
}

/** Removes somebody who never came to belong to anything. */
export async function deletePerson(sql: Sql, userId: string): Promise<void> {
  await sql.rows(`/* deletePerson */ delete from identity."user" where id = $1`, [userId]);
}

/** Leaves a pseudonym for what others wrote about them. @returns false when nobody has the id */
export async function pseudonymise(sql: Sql, userId: string): Promise<boolean> {
  const rows = await sql.rows(
    `/* pseudonymise */
    update identity."user" set name = 'Former member ' || right(id::text, 6), email = id::text || '@erased.invalid',
      email_verified = false, image = null, erased_at = coalesce(erased_at, now()), updated_at = now()
    where id = $1 returning id`,
    [userId],
  );
  return rows.length > 0;
}

/** All that is known of a person here, without hashes, keys and tokens. Null: nobody has the id. */
export async function readPerson(sql: Sql, userId: string): Promise<Json> {
  const [row] = await sql.rows<{ person: Json }>(
    `/* readPerson */
    select json_build_object(
      'id', id, 'name', name, 'email', email, 'emailVerified', email_verified, 'image', image,
      'twoFactorEnabled', coalesce(two_factor_enabled, false), 'erasedAt', erased_at,
      'createdAt', created_at, 'updatedAt', updated_at,
      'accounts', (select coalesce(json_agg(json_build_object('provider', provider_id,
          'accountId', case when provider_id = 'credential' then null else account_id end, 'scope', scope,
          'createdAt', created_at, 'updatedAt', updated_at) order by id), '[]')
        from identity.account where user_id = u.id),
      'passkeys', (select coalesce(json_agg(json_build_object('name', name, 'deviceType', device_type,
          'backedUp', backed_up, 'createdAt', created_at) order by id), '[]')
        from identity.passkey where user_id = u.id),
      'sessions', (select coalesce(json_agg(json_build_object('id', id, 'method', method,
          'address', ip_address, 'userAgent', user_agent, 'deviceName', device_name, 'createdAt', created_at,
          'updatedAt', updated_at, 'expiresAt', expires_at, 'steppedUpAt', stepped_up_at) order by id), '[]')
        from identity.session where user_id = u.id),
      'recoveryCodes', (select json_build_object('left', count(*) filter (where used_at is null),
          'used', coalesce(json_agg(used_at) filter (where used_at is not null), '[]'))
        from identity.recovery_code where user_id = u.id),
      'pairings', (select coalesce(json_agg(json_build_object('startedAt', created_at,
          'claimedAt', claimed_at) order by id), '[]')
        from identity.pairing where user_id = u.id)) as person
    from identity."user" u where id = $1`,
    [userId],
  );
  return row?.person ?? null;
}

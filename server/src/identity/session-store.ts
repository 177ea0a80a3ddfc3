import type { Sql } from '../stores/sql.ts';
import type { SessionFacts } from './identity-options.ts';
import { serviceKeyGraceSeconds } from './service-token.ts';

const facts = `session.id, session.user_id as "userId",
  (extract(epoch from session.expires_at) * 1000)::float8 as "expiresAt",
  (extract(epoch from session.stepped_up_at) * 1000)::float8 as "steppedUpAt"`;

type FactsRow = Omit<SessionFacts, 'steppedUpAt'> & { steppedUpAt: number | null };

/** Undefined: signed out, expired, revoked or never was. */
export async function findSessionByToken(sql: Sql, token: string): Promise<SessionFacts | undefined> {
  const [row] = await sql.rows<FactsRow>(
    `/* findSessionByToken */
    select ${facts} from identity.session where token = $1 and expires_at > now()`,
    [token],
  );
  return row && toFacts(row);
}

export async function findLiveSessions(sql: Sql, ids: readonly string[]): Promise<SessionFacts[]> {
  if (ids.length === 0) return [];
  const rows = await sql.rows<FactsRow>(
    `/* findLiveSessions */
    select ${facts} from identity.session where id = any($1::uuid[]) and expires_at > now()`,
    [[...ids]],
  );
  return rows.map(toFacts);
}

function toFacts({ steppedUpAt, ...row }: FactsRow): SessionFacts {
  return { ...row, ...(steppedUpAt === null ? {} : { steppedUpAt }) };
}

export interface ListedSession {
  id: string;
  createdAt: string;
  updatedAt: string;
  expiresAt: string;
  address: string | null;
  userAgent: string | null;
  deviceName: string | null;
  method: string | null;
}

/** ISO 8601, whatever types the pool converts. */
const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/** Newest first. */
export function listSessions(sql: Sql, userId: string): Promise<ListedSession[]> {
  return sql.rows(
    `/* listSessions */
    select id, ${iso('created_at')} as "createdAt", ${iso('updated_at')} as "updatedAt",
      ${iso('expires_at')} as "expiresAt", nullif(ip_address, '') as address,
      nullif(user_agent, '') as "userAgent", device_name as "deviceName", method
    from identity.session where user_id = $1 and expires_at > now() order by id desc`,
    [userId],
  );
}

/** @returns how many ended */
export async function revokeSessions(
  sql: Sql,
  userId: string,
  which: { only?: string; except?: string } = {},
): Promise<number> {
  const ended = await sql.rows(
    `/* revokeSessions */
    delete from identity.session
    where user_id = $1 and ($2::uuid is null or id = $2) and ($3::uuid is null or id <> $3) returning id`,
    [userId, which.only ?? null, which.except ?? null],
  );
  return ended.length;
}

/** Notes that a second factor was just used. @returns when, ms since 1970 */
export async function markSteppedUp(sql: Sql, sessionId: string): Promise<number> {
  const [row] = await sql.rows<{ at: number }>(
    `/* markSteppedUp */
    update identity.session set stepped_up_at = now(), proven_at = now()
    where id = $1 returning (extract(epoch from stepped_up_at) * 1000)::float8 as at`,
    [sessionId],
  );
  if (!row) throw new Error(`The session ${sessionId} ended while it was stepped up.`);
  return row.at;
}

export async function markProven(sql: Sql, sessionId: string): Promise<void> {
  await sql.rows(`/* markProven */ update identity.session set proven_at = now() where id = $1`, [sessionId]);
}

/** What a session may enrol new credentials by, and what its person has already. */
export interface Standing {
  method: string | null;
  /** Seconds since; null: never. */
  steppedUpFor: number | null;
  provenFor: number | null;
  passkeyCount: number;
  hasTotp: boolean;
  hasPassword: boolean;
  linkedCount: number;
}

export async function findStanding(sql: Sql, sessionId: string): Promise<Standing | undefined> {
  const [row] = await sql.rows<Standing>(
    `/* findStanding */
    select method, extract(epoch from now() - stepped_up_at)::float8 as "steppedUpFor",
      extract(epoch from now() - proven_at)::float8 as "provenFor",
      (select count(*)::int from identity.passkey where passkey.user_id = session.user_id) as "passkeyCount",
      exists (select 1 from identity.two_factor where two_factor.user_id = session.user_id and verified)
        as "hasTotp",
      exists (select 1 from identity.account where account.user_id = session.user_id
        and provider_id = 'credential' and password is not null) as "hasPassword",
      (select count(*)::int from identity.account where account.user_id = session.user_id
        and provider_id <> 'credential') as "linkedCount"
    from identity.session where id = $1`,
    [sessionId],
  );
  return row;
}

/** Sessions, challenges, links and signing keys whose time is over. @returns how many rows went */
export async function removeExpired(sql: Sql): Promise<number> {
  const [row] = await sql.rows<{ count: number }>(
    `/* removeExpiredIdentity */
    with sessions as (delete from identity.session where expires_at < now() returning 1),
    challenges as (delete from identity.verification where expires_at < now() - interval '1 hour' returning 1),
    links as (delete from identity.setup_token where expires_at < now() - interval '1 day' returning 1),
    pairings as (delete from identity.pairing where expires_at < now() - interval '1 day' returning 1),
    keys as (delete from identity.jwks where expires_at < now() - $1 * interval '1 second' returning 1)
    select (select count(*) from sessions) + (select count(*) from challenges)
      + (select count(*) from links) + (select count(*) from pairings) + (select count(*) from keys) as count`,
    [serviceKeyGraceSeconds],
  );
  return Number(row?.count ?? 0);
}

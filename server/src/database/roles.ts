import { createHmac } from 'node:crypto';
import pg from 'pg';
import { systemClock } from '../lib/clock.ts';
import { scramVerifier } from './scram.ts';

/**
 * `hive_tenant`: the rights of requests, one workspace at a time. `hive_system`: those of the loops, which serve all workspaces.
 * Both own nothing and cannot log in; the server logs in as a member of each.
 */
export const groups = ['hive_tenant', 'hive_system'] as const;
export type Group = (typeof groups)[number];

/** Who the server logs in as for a group. */
export interface Login {
  group: Group;
  role: string;
  password: string;
}

/**
 * The two logins of an owner. Their passwords follow from the owner's, so every replica knows them and nothing has to be
 * kept anywhere.
 * @returns undefined for an owner without a password: whoever knows its name would know theirs
 */
export function loginsOf(owner: { user: string; password: string | null }): Login[] | undefined {
  const { user, password } = owner;
  if (!password) return undefined;
  return groups.map((group) => {
    // A name has 63 bytes at most; "_login" because an owner called hive must not meet the group itself.
    const suffix = `_${group.slice('hive_'.length)}_login`;
    const role =
      Buffer.from(user)
        .subarray(0, 63 - suffix.length)
        .toString() + suffix;
    const derived = createHmac('sha256', password).update(`agent-hive login ${role}`).digest('base64url');
    return { group, role, password: derived };
  });
}

/** Codes of two sessions changing the same role at once, in different databases of one cluster. */
const collisions = new Set(['42710', '23505', 'XX000']);

/** Roles belong to the cluster, so no lock of one database keeps two servers from making the same one. */
async function againstOthers(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof pg.DatabaseError) || !collisions.has(error.code ?? '') || tries >= 10)
        throw error;
      await systemClock.sleep(20 * tries);
    }
  }
}

/**
 * Makes the groups when they are missing and lets the owner act as them: it falls under forced row-level security itself, and
 * migrations and the functions it lends to the server must see every row.
 * @throws Error in words for the operator when the owner may not
 */
export async function ensureGroups(client: pg.Client): Promise<void> {
  await againstOthers(async () => {
    for (const group of groups) {
      const { rows } = await client.query<{ user: string; missing: boolean; member: boolean | null }>(
        `select current_user as user, r.oid is null as missing,
          pg_has_role(current_user, r.oid, 'USAGE') and pg_has_role(current_user, r.oid, 'SET') as member
        from (select $1::text as name) wanted left join pg_roles r on r.rolname = wanted.name`,
        [group],
      );
      const { user, missing, member } = rows[0]!;
      try {
        if (missing) await client.query(`create role ${group} nologin`);
        if (!member)
          await client.query(
            `grant ${group} to ${pg.escapeIdentifier(user)} with inherit ${group === 'hive_system'}, set true`,
          );
      } catch (error) {
        throw explained(error, user, missing ? `create the role ${group}` : `grant the role ${group}`);
      }
    }
  });
}

/** Makes the logins that are missing; with `reset`, gives all of them their password anew. */
export async function ensureLogins(
  client: pg.Client,
  logins: readonly Login[],
  { reset = false } = {},
): Promise<void> {
  await againstOthers(async () => {
    for (const { group, role, password } of logins) {
      const { rows } = await client.query<{ found: boolean; mighty: boolean; user: string; su: boolean }>(
        `select r.oid is not null as found, current_user as user, me.rolsuper as su,
          coalesce(r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb, false) as mighty
        from pg_roles me left join pg_roles r on r.rolname = $1 where me.rolname = current_user`,
        [role],
      );
      const { found, mighty, user, su } = rows[0]!;
      const name = pg.escapeIdentifier(role);
      if (mighty)
        throw new Error(
          `The database role ${role} has more rights than Agent Hive may log in with. Rename it, or take superuser, bypassrls, createrole and createdb from it.`,
        );
      if (found && !reset) continue;
      const secret = `password ${pg.escapeLiteral(scramVerifier(password))}`;
      try {
        await client.query(
          found ? `alter role ${name} login ${secret}` : `create role ${name} login ${secret}`,
        );
        await client.query(`grant ${group} to ${name}`);
        // Only who shares a role's rights sees its sessions, and the health check looks for the oldest transaction.
        if (!su)
          await client.query(`grant ${name} to ${pg.escapeIdentifier(user)} with inherit true, set false`);
      } catch (error) {
        throw explained(error, user, `manage the role ${role}`);
      }
    }
  });
}

function explained(error: unknown, user: string, what: string): unknown {
  if (!(error instanceof pg.DatabaseError) || error.code !== '42501') return error;
  return new Error(
    `The database user ${user} may not ${what}, which keeps workspaces apart (${error.message}). ` +
      `Let a superuser run "alter role ${user} createrole", or, when another user made the role, "grant hive_tenant, hive_system to ${user} with admin option"; ` +
      'or set HIVE_DATABASE_ADMIN_URL to a user who may create roles and tables.',
    { cause: error },
  );
}

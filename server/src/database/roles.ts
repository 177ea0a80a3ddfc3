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
/** What a tenant limited to projects is for one transaction (stores/tenancy.ts). */
const limited = 'hive_limited';

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
    for (const group of [...groups, limited] as const) {
      const { rows } = await client.query<{
        user: string;
        missing: boolean;
        sets: boolean;
        inherits: boolean;
      }>(
        `select me.rolname as user, r.oid is null as missing, coalesce(pg_has_role(me.oid, r.oid, 'SET'), false) as sets,
          coalesce(pg_has_role(me.oid, r.oid, 'USAGE') and ($2 or not me.rolsuper), false) as inherits
        from pg_roles me left join pg_roles r on r.rolname = $1 where me.rolname = current_user`,
        [group, group === 'hive_system'],
      );
      const { user, missing, sets, inherits } = rows[0]!;
      const isSystem = group === 'hive_system';
      const name = pg.escapeIdentifier(user);
      if (group === limited && inherits)
        throw new Error(
          `The database user ${user} inherits the role ${limited}, so migrations would not see every row. ` +
            `Let a superuser run "grant ${limited} to ${user} with inherit false".`,
        );
      try {
        // What hive_limited may is what hive_tenant may, less what a policy of its own takes.
        const parent = group === limited ? ' in role hive_tenant' : '';
        if (missing) await client.query(`create role ${group} nologin${parent}`);
        if (!sets || (isSystem && !inherits))
          await client.query(`grant ${group} to ${name} with inherit ${isSystem}, set true`);
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
        if (group === 'hive_tenant')
          await client.query(`grant ${limited} to ${name} with inherit false, set true`);
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
      `Let a superuser run "alter role ${user} createrole", or, when another user made the role, "grant hive_tenant, hive_limited, hive_system to ${user} with admin true, inherit false"; ` +
      'or set HIVE_DATABASE_ADMIN_URL to a user who may create roles and tables.',
    { cause: error },
  );
}

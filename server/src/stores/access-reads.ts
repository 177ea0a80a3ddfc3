import type { Grant, MemberRole, ProjectAccess } from '../entities/membership.ts';
import type { Sql } from './sql.ts';

/**
 * What recognising an actor reads: across workspaces, so not for the rights of one. One statement each, however many are asked
 * for; grants come along as JSON.
 */
export interface MemberFacts {
  workspaceId: string;
  userId: string;
  role: MemberRole;
  projectAccess: ProjectAccess;
  grants: Grant[];
}

export interface KeyFacts {
  id: string;
  role: MemberRole;
  scopes: string[] | null;
  projectIds: string[] | null;
  /** ms since 1970 */
  expiresAt: number;
  /** As they are now. */
  maker: MemberFacts;
}

const memberColumns = `m.workspace_id as "workspaceId", m.user_id as "userId", m.role,
  m.project_access as "projectAccess", coalesce((
    select jsonb_agg(jsonb_build_object('projectId', g.project_id, 'role', g.role) order by g.project_id)
    from project_grant g where g.workspace_id = m.workspace_id and g.user_id = m.user_id), '[]') as grants`;

const keyQuery = `select k.id, k.role as "keyRole", k.scopes, k.project_ids::text[] as "projectIds",
    (extract(epoch from k.expires_at) * 1000)::text as "expiresAt", ${memberColumns}
  from api_key k join membership m on m.workspace_id = k.workspace_id and m.user_id = k.created_by
  where k.revoked_at is null and k.expires_at > now()`;

type KeyRow = MemberFacts & {
  id: string;
  keyRole: MemberRole;
  scopes: string[] | null;
  projectIds: string[] | null;
  expiresAt: string;
};

/** The membership in the workspace asked for, else in the one last used, else the oldest. */
export async function findMembership(
  sql: Sql,
  userId: string,
  workspaceId: string | undefined,
): Promise<MemberFacts | undefined> {
  const [row] = await sql.rows<MemberFacts>(
    `/* findMembership */
    select ${memberColumns} from membership m
    where m.user_id = $1 and ($2::uuid is null or m.workspace_id = $2)
    order by m.last_seen_at desc nulls last, m.created_at, m.workspace_id limit 1`,
    [userId, workspaceId ?? null],
  );
  return row;
}

/** Those of the pairs that are members now. */
export async function findMemberships(
  sql: Sql,
  pairs: readonly { workspaceId: string; userId: string }[],
): Promise<MemberFacts[]> {
  return sql.rows(
    `/* findMemberships */
    select ${memberColumns} from membership m
    where (m.workspace_id, m.user_id) in (select * from unnest($1::uuid[], $2::uuid[]))`,
    [pairs.map(({ workspaceId }) => workspaceId), pairs.map(({ userId }) => userId)],
  );
}

/** The key with this hash, unless it is revoked or expired, or its maker is no member any more. */
export async function findKeyBySecret(sql: Sql, secretHash: Uint8Array): Promise<KeyFacts | undefined> {
  const [row] = await sql.rows<KeyRow>(`/* findKeyBySecret */ ${keyQuery} and k.secret_hash = $1`, [
    Buffer.from(secretHash),
  ]);
  return row && toKeyFacts(row);
}

/** The same by id. */
export async function findKeys(sql: Sql, ids: readonly string[]): Promise<KeyFacts[]> {
  const rows = await sql.rows<KeyRow>(`/* findKeys */ ${keyQuery} and k.id = any($1::uuid[])`, [ids]);
  return rows.map(toKeyFacts);
}

function toKeyFacts(row: KeyRow): KeyFacts {
  const { id, keyRole, scopes, projectIds, expiresAt, ...maker } = row;
  return { id, role: keyRole, scopes, projectIds, expiresAt: Number(expiresAt), maker };
}

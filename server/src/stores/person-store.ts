import type { Json } from '../lib/json.ts';
import type { Sql } from './sql.ts';

/** Moments as ISO 8601 inside of JSON. */
const iso = (column: string) => `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * Which of the people have to do with a workspace: members, and those who left a trace in it, by which others know of them.
 * With the rights of the workspace.
 */
export async function findPeopleOf(
  sql: Sql,
  workspaceId: string,
  userIds: readonly string[],
): Promise<{ userId: string; isMember: boolean }[]> {
  if (userIds.length === 0) return [];
  return sql.rows(
    `/* findPeopleOf */
    select asked.id as "userId", asked.member as "isMember" from (
      select given.id,
        exists (select 1 from membership m where m.workspace_id = $1 and m.user_id = given.id) as member
      from unnest($2::uuid[]) as given (id)
    ) asked
    where asked.member
      or exists (select 1 from api_key k where k.workspace_id = $1 and k.created_by = asked.id)
      or exists (select 1 from invitation i
        where i.workspace_id = $1 and (i.invited_by = asked.id or i.accepted_by = asked.id))
      or exists (select 1 from audit_entry a where a.workspace_id = $1 and a.actor_id = asked.id::text)`,
    [workspaceId, userIds],
  );
}

export interface PersonMembership {
  workspaceId: string;
  role: string;
  /** Whether the other person asked about is an owner there. */
  isOwnedByOther: boolean;
}

/** Locks the memberships of a person, in the order in which everybody locks them. For the system role. */
export async function lockMemberships(
  sql: Sql,
  userId: string,
  otherId: string,
): Promise<PersonMembership[]> {
  await sql.rows(
    `/* lockMemberships */
    select workspace_id from membership where user_id = $1 order by workspace_id for no key update`,
    [userId],
  );
  return membershipsOf(sql, userId, otherId);
}

/** For the system role. */
export async function membershipsOf(sql: Sql, userId: string, otherId: string): Promise<PersonMembership[]> {
  return sql.rows(
    `/* membershipsOf */
    select m.workspace_id as "workspaceId", m.role, exists (
      select 1 from membership o where o.workspace_id = m.workspace_id and o.user_id = $2 and o.role = 'OWNER'
    ) as "isOwnedByOther"
    from membership m where m.user_id = $1 order by m.workspace_id`,
    [userId, otherId],
  );
}

/** Texts a person typed about keys and invitations, which say nothing to anybody once they are gone. For the system role. */
export async function blankTextsOf(sql: Sql, userId: string): Promise<void> {
  await sql.rows(
    `/* blankInvitationNotes */
    update invitation set note = '' where note <> '' and (invited_by = $1 or accepted_by = $1)`,
    [userId],
  );
  await sql.rows(
    `/* blankKeyNames */ update api_key set name = 'Key of an erased person' where created_by = $1`,
    [userId],
  );
}

const sections = {
  memberships: `
    select m.workspace_id as "workspaceId", w.slug, w.name, m.role, m.project_access as "projectAccess",
      ${iso('m.created_at')} as "joinedAt", ${iso('m.last_seen_at')} as "lastSeenAt"
    from membership m join workspace w on w.id = m.workspace_id
    where m.user_id = $1 and m.workspace_id = any($2::uuid[]) order by m.workspace_id`,
  projectGrants: `
    select g.workspace_id as "workspaceId", g.project_id as "projectId", p.name as "projectName", g.role,
      ${iso('g.created_at')} as "grantedAt"
    from project_grant g join project p on p.id = g.project_id
    where g.user_id = $1 and g.workspace_id = any($2::uuid[]) order by g.workspace_id, g.project_id`,
  invitations: `
    select id, workspace_id as "workspaceId", role, project_access as "projectAccess", grants, note,
      invited_by = $1 as "sentByPerson", accepted_by = $1 as "acceptedByPerson", ${iso('created_at')} as "createdAt",
      ${iso('expires_at')} as "expiresAt", ${iso('accepted_at')} as "acceptedAt", ${iso('revoked_at')} as "revokedAt"
    from invitation
    where (invited_by = $1 or accepted_by = $1) and workspace_id = any($2::uuid[]) order by id`,
  apiKeys: `
    select id, workspace_id as "workspaceId", name, start, role, scopes, project_ids as "projectIds",
      ${iso('created_at')} as "createdAt", ${iso('expires_at')} as "expiresAt", ${iso('last_used_at')} as "lastUsedAt",
      ${iso('revoked_at')} as "revokedAt", replaced_by as "replacedBy"
    from api_key where created_by = $1 and workspace_id = any($2::uuid[]) order by id`,
  goals: `
    select g.id, g.workspace_id as "workspaceId", g.text, g.status, ${iso('g.created_at')} as "createdAt"
    from goal g where g.workspace_id = any($1::uuid[]) and g.id in (
      select a.subject_id::uuid from audit_entry a
      where a.workspace_id = g.workspace_id and a.action = 'goal.dispatch' and a.outcome = 'ALLOWED'
        and a.subject_type = 'Goal' and a.actor_id = any($2::text[]))
    order by g.id`,
  tasks: `
    select t.id, t.workspace_id as "workspaceId", t.title, t.instruction, t.status, ${iso('t.created_at')} as "createdAt"
    from task t where t.workspace_id = any($1::uuid[]) and t.id in (
      select a.subject_id::uuid from audit_entry a
      where a.workspace_id = t.workspace_id and a.action = 'task.create' and a.outcome = 'ALLOWED'
        and a.subject_type = 'Task' and a.actor_id = any($2::text[]))
    order by t.id`,
} as const;

export type PersonSection = keyof typeof sections;

/**
 * What the named workspaces hold about a person, without anything secret. For the system role.
 * @param actorIds of the person and the keys they made
 */
export async function readPersonSections(
  sql: Sql,
  about: { userId: string; workspaceIds: readonly string[]; actorIds: readonly string[] },
): Promise<Record<PersonSection, Json[]>> {
  const { userId, workspaceIds, actorIds } = about;
  const read = async (name: PersonSection): Promise<[PersonSection, Json[]]> => {
    const values = name === 'goals' || name === 'tasks' ? [workspaceIds, actorIds] : [userId, workspaceIds];
    return [
      name,
      await sql.rows<{ [column: string]: Json }>(`/* export_${name} */ ${sections[name]}`, values),
    ];
  };
  const names = Object.keys(sections) as PersonSection[];
  return Object.fromEntries(await Promise.all(names.map(read))) as Record<PersonSection, Json[]>;
}

/** Keys somebody made, in the named workspaces. For the system role. */
export async function listKeyIdsOf(
  sql: Sql,
  userId: string,
  workspaceIds: readonly string[],
): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>(
    `/* keyIdsOf */ select id from api_key where created_by = $1 and workspace_id = any($2::uuid[]) order by id`,
    [userId, workspaceIds],
  );
  return rows.map(({ id }) => id);
}

/** For the system role. */
export async function listWorkspaceIds(sql: Sql): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>(`/* workspaceIds */ select id from workspace order by id`);
  return rows.map(({ id }) => id);
}

const auditBatch = 5_000;
const auditText = (column: 'actor_id' | 'subject_id') => `/* export_audit_${column} */
  select e.id, e.workspace_id as "workspaceId", ${iso('e.at')} as at, e.actor_kind as "actorKind",
    e.actor_id as "actorId", e.action, e.outcome, e.subject_type as "subjectType", e.subject_id as "subjectId",
    e.detail, case when o.user_id = $5 then o.address end as address,
    case when o.user_id = $5 then o.user_agent end as "userAgent", e.at::text as moment
  from audit_entry e left join audit_origin o on o.entry_id = e.id
  where e.workspace_id = $1 and e.${column} = $2
    and ($3::timestamptz is null or (e.at, e.id) < ($3::timestamptz, $4::uuid))
  order by e.at desc, e.id desc limit ${auditBatch}`;
const auditTexts = { actor_id: auditText('actor_id'), subject_id: auditText('subject_id') };

/**
 * Every entry of the trail by an actor, or about a subject, newest first, in batches: a long life leaves many. From where is
 * told only of what the person did. For the system role.
 */
export async function* readAuditOf(
  sql: Sql,
  where: { workspaceId: string; column: 'actor_id' | 'subject_id'; id: string; userId: string },
): AsyncGenerator<Json[]> {
  let behind: { moment: string; id: string } | undefined;
  for (;;) {
    const values = [where.workspaceId, where.id, behind?.moment ?? null, behind?.id ?? null, where.userId];
    const rows = await sql.rows<{ id: string; moment: string; [column: string]: Json }>(
      auditTexts[where.column],
      values,
    );
    yield rows.map((row) => {
      const { moment: _, ...entry } = row;
      return entry;
    });
    if (rows.length < auditBatch) return;
    behind = rows.at(-1)!;
  }
}

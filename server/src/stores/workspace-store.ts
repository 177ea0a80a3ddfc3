import type { MemberRole } from '../entities/membership.ts';
import { appendEvents } from './event-store.ts';
import type { Sql } from './sql.ts';

export interface WorkspaceRow {
  id: string;
  slug: string;
  name: string;
}

/** Short name of the first workspace, which every hive has. */
export const homeSlug = 'default';

/** @returns its id, or undefined when the short name is taken */
export async function insertWorkspace(
  sql: Sql,
  { slug, name }: { slug: string; name: string },
): Promise<string | undefined> {
  const [row] = await sql.rows<{ id: string }>(
    `/* insertWorkspace */ insert into workspace (slug, name) values ($1, $2) on conflict (slug) do nothing returning id`,
    [slug, name],
  );
  return row?.id;
}

/** Renames a workspace, with the event that says so. @returns false when there is none with this id */
export async function renameWorkspace(sql: Sql, id: string, name: string): Promise<boolean> {
  const renamed = await sql.rows(
    `/* renameWorkspace */ update workspace set name = $2 where id = $1 returning id`,
    [id, name],
  );
  if (renamed.length === 0) return false;
  await appendEvents(sql, [{ workspaceId: id, type: 'workspace.updated', subjectId: id, payload: {} }]);
  return true;
}

export async function findWorkspace(sql: Sql, id: string): Promise<WorkspaceRow | undefined> {
  const [row] = await sql.rows<WorkspaceRow>(
    `/* findWorkspace */ select id, slug, name from workspace where id = $1`,
    [id],
  );
  return row;
}

/** The first workspace: that of whoever runs the hive. */
export async function getHomeWorkspaceId(sql: Sql): Promise<string> {
  const [row] = await sql.rows<{ id: string }>(
    `/* getHomeWorkspace */ select id from workspace where slug = $1`,
    [homeSlug],
  );
  if (!row) throw new Error(`The database has no workspace ${homeSlug}; it was deleted or its name changed.`);
  return row.id;
}

/** All workspaces, oldest first, with their names. */
export function listWorkspaces(sql: Sql): Promise<WorkspaceRow[]> {
  return sql.rows<WorkspaceRow>(`/* listWorkspaces */ select id, slug, name from workspace order by id`);
}

/** All workspaces, oldest first. With the rights of one workspace, only that. */
export async function listWorkspaceIds(sql: Sql): Promise<string[]> {
  const rows = await sql.rows<{ id: string }>(`/* listWorkspaceIds */ select id from workspace order by id`);
  return rows.map(({ id }) => id);
}

/** Every workspace a person is a member of, by name. Not for the rights of one workspace. */
export async function workspacesOfUser(
  sql: Sql,
  userId: string,
): Promise<(WorkspaceRow & { role: MemberRole })[]> {
  return sql.rows(
    `/* workspacesOfUser */
    select workspace.id, slug, name, role from membership join workspace on workspace.id = workspace_id
    where user_id = $1 order by name, workspace.id`,
    [userId],
  );
}

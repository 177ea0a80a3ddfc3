import { afterAll, beforeAll, expect, it } from 'vitest';
import { createAccessWorld, type AccessWorld } from '../../../tests/support/access-world.ts';
import { sqlOfTenant } from './tenancy.ts';

let world: AccessWorld;
let other: string;

beforeAll(async () => {
  world = await createAccessWorld();
  other = await world.workspace('other');
  for (const workspaceId of [world.home, other]) {
    const owner = await world.person('Owner', { role: 'OWNER', workspaceId });
    const projectId = await world.project(workspaceId, `p-${workspaceId}`);
    const grants = [{ projectId, role: 'OPERATOR' as const }];
    await world.person('Member', { workspaceId, role: 'VIEWER', projectAccess: 'GRANTED', grants });
    const scope = await world.scope(owner, workspaceId);
    await world.manager.inviteMember(scope, { role: 'VIEWER' });
    await world.manager.createApiKey(scope, { name: 'k', role: 'VIEWER' });
  }
});
afterAll(() => world.database.drop());

it.each(['membership', 'project_grant', 'invitation', 'api_key'])(
  'a statement on %s without any filter sees and touches one workspace only',
  async (table) => {
    const count = async (workspaceId: string) => {
      const sql = sqlOfTenant(world.database.tenantPool, { workspaceId });
      return sql.rows<{ workspace_id: string }>(`select workspace_id from ${table}`);
    };
    for (const workspaceId of [world.home, other]) {
      const rows = await count(workspaceId);
      expect(rows.length).toBeGreaterThan(0);
      expect(new Set(rows.map((row) => row.workspace_id))).toEqual(new Set([workspaceId]));
    }
    const sql = sqlOfTenant(world.database.tenantPool, { workspaceId: other });
    const moved = sql.rows(`update ${table} set workspace_id = '${world.home}'`);
    await expect(moved).rejects.toThrow(/row-level security|foreign key|violates/);
    expect(await sql.rows(`delete from ${table} where workspace_id = '${world.home}' returning 1`)).toEqual(
      [],
    );
  },
);

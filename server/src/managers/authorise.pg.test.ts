import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createAccessWorld, type AccessWorld } from '../../../tests/support/access-world.ts';
import { NotFoundError } from '../lib/errors.ts';
import { renameWorkspace } from '../stores/workspace-store.ts';
import { assertAllowed, auditedChange, isAllowed, type AuditedChange } from './authorise.ts';
import type { Scope } from './transaction.ts';

let world: AccessWorld;
let admin: Scope;
let viewer: Scope;
let denied: [string, object, string][];
const change: AuditedChange = {
  ...{ operation: 'rename', action: 'workspace.update', subject: { type: 'Workspace' } },
  input: { name: 'New', token: 'hive_not-for-the-trail' },
};

beforeAll(async () => {
  world = await createAccessWorld();
  admin = await world.scope(await world.person('Admin', { role: 'ADMIN' }));
  viewer = await world.scope(await world.person('Viewer', { role: 'VIEWER' }));
});
beforeEach(async () => {
  denied = [];
});
afterAll(() => world.database.drop());

const deps = () => ({
  orm: world.database.orm,
  onDenied: (_: Scope, action: string, resource: object, reason: string) =>
    void denied.push([action, resource, reason]),
});
const rename = (scope: Scope, more: Partial<AuditedChange> = {}, name = 'New') =>
  auditedChange(deps(), scope, { ...change, ...more }, async (sql) => {
    await renameWorkspace(sql, scope.workspaceId, name);
    return scope.workspaceId;
  });
const nameNow = async () =>
  (
    await world.database.pool.query<{ name: string }>('select name from workspace where id = $1', [
      world.home,
    ])
  ).rows[0]!.name;

it('leaves a record with the change, without what is secret', async () => {
  expect(await rename(admin)).toEqual({ id: world.home, repeated: false });
  const trail = await world.audit(world.home);
  expect(trail.at(-1)).toMatchObject({
    ...{ actor_kind: 'USER', actor_id: admin.actor.id, action: 'workspace.update', outcome: 'ALLOWED' },
    ...{ subject_type: 'Workspace', subject_id: world.home },
    detail: { operation: 'rename', input: { name: 'New' } },
  });
  expect(JSON.stringify(trail)).not.toContain('not-for-the-trail');
});

it('leaves neither change nor record when the effect fails', async () => {
  const before = (await world.audit(world.home)).length;
  const failing = auditedChange(deps(), admin, change, async (sql) => {
    await renameWorkspace(sql, world.home, 'Half done');
    throw new NotFoundError('Thing', 'x');
  });
  await expect(failing).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(await nameNow()).toBe('New');
  expect(await world.audit(world.home)).toHaveLength(before);
  expect(denied).toEqual([]);
});

it('hands a refusal on and does nothing', async () => {
  await expect(rename(viewer, {}, 'Taken over')).rejects.toMatchObject({ reason: 'ROLE' });
  const resource = async () => ({ memberRole: 'OWNER' as const });
  await expect(rename(admin, { action: 'member.change', resource }, 'Taken')).rejects.toMatchObject({
    reason: 'RANK',
  });
  expect(await nameNow()).toBe('New');
  expect(denied).toEqual([
    ['workspace.update', {}, 'ROLE'],
    ['member.change', { memberRole: 'OWNER' }, 'RANK'],
  ]);
});

it('is made and recorded once for a key, each person’s keys apart', async () => {
  const second = await world.scope(await world.person('Second', { role: 'ADMIN' }));
  const before = (await world.audit(world.home)).length;
  const idempotencyKey = 'the-key';
  expect(await rename(admin, { idempotencyKey }, 'First')).toMatchObject({ repeated: false });
  expect(await rename(admin, { idempotencyKey }, 'Again')).toMatchObject({ repeated: true });
  expect(await nameNow()).toBe('First');
  await expect(rename(admin, { idempotencyKey, input: { name: 'Other' } })).rejects.toMatchObject({
    code: 'IDEMPOTENCY_CONFLICT',
  });
  expect(await rename(second, { idempotencyKey }, 'Second')).toMatchObject({ repeated: false });
  expect(await world.audit(world.home)).toHaveLength(before + 2);
});

it('stays in the workspace of the scope, whatever the effect tries', async () => {
  const other = await world.workspace('other');
  await auditedChange(deps(), admin, change, async (sql) => {
    expect(await renameWorkspace(sql, other, 'Taken over').catch(() => false)).toBe(false);
    return world.home;
  });
  const { rows } = await world.database.pool.query('select name from workspace where id = $1', [other]);
  expect(rows).toEqual([{ name: 'Workspace other' }]);
});

it('answers fields the same way', () => {
  expect(isAllowed(viewer, 'goal.read')).toBe(true);
  expect(isAllowed(viewer, 'goal.dispatch')).toBe(false);
  expect(() => assertAllowed(viewer, 'goal.dispatch')).toThrow(/needs the role OPERATOR; yours is VIEWER/);
});

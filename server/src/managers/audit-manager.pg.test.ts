import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { readAll, TestTrail } from '../../../tests/support/audit-trail.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { scopeOf } from '../../../tests/support/scopes.ts';
import { createAuditManager, type AuditManager } from './audit-manager.ts';

let database: TestDatabase;
let trail: TestTrail;
let audit: AuditManager;
let denied: string[];

beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() => {
  trail = new TestTrail(database);
  denied = [];
  const onDenied = (_scope: unknown, action: string) => void denied.push(action);
  audit = createAuditManager({ orm: database.orm, onDenied });
});

const person = { kind: 'USER', id: randomUUID() } as const;

it('shows the trail of the own workspace to admins', async () => {
  await trail.writeSealed(3);
  const admin = scopeOf(trail.workspaceId, { ...person, role: 'ADMIN' });
  const page = await audit.page(admin, { first: 2, where: { action: 'task.*' } });
  expect(page.rows.map((row) => [row.subjectId, row.sealed])).toEqual([
    ['t3', true],
    ['t2', true],
  ]);
  expect(page.hasNext).toBe(true);
  const rest = await audit.page(admin, { first: 2, after: page.rows[1]!.id });
  expect(rest.rows.map((row) => row.subjectId)).toEqual(['t1']);
  expect(await audit.state(admin)).toMatchObject({ sealedCount: 3, unsealedCount: 0, headPosition: 3 });
  const stranger = scopeOf(randomUUID(), { ...person, role: 'ADMIN' });
  expect((await audit.page(stranger, { first: 2 })).rows).toEqual([]);
});

it('refuses everybody else', async () => {
  const operator = scopeOf(trail.workspaceId, { ...person, role: 'OPERATOR' });
  await expect(audit.page(operator, { first: 2 })).rejects.toThrow(/role ADMIN/);
  await expect(audit.state(operator)).rejects.toThrow(/role ADMIN/);
  const owner = scopeOf(trail.workspaceId, { ...person, role: 'OWNER' });
  await expect(audit.export(owner)).rejects.toMatchObject({ reason: 'STEP_UP' });
  expect(denied).toEqual(['audit.export']);
});

it('records an export before it gives anything out', async () => {
  await trail.writeSealed(2);
  const at = Date.now();
  const owner = scopeOf(trail.workspaceId, { ...person, role: 'OWNER', at, steppedUpAt: at });
  const lines = await readAll(await audit.export(owner, { outcome: 'ALLOWED' }));
  expect(lines).toHaveLength(4);
  expect(lines[3]).toContain('"action":"audit.export"');
  expect(lines[3]).toContain('"filters":["outcome"]');
});

it.each([
  [{ action: 'a*b' }, /action: may have an asterisk at its end only/],
  [{ text: 'x'.repeat(201) }, /text: must have at most 200/],
  [{ actorId: 'a\0' }, /actorId: must not contain NUL/],
  [{ since: new Date(2), until: new Date(1) }, /until: must be later than since/],
])('refuses the filter %j', async (where, problem) => {
  await expect(audit.page(scopeOf(trail.workspaceId), { first: 1, where })).rejects.toThrow(problem);
});

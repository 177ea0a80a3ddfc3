import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readAll, TestTrail } from '../../../tests/support/audit-trail.ts';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { systemClock } from '../lib/clock.ts';
import { exportAudit, pageOfAudit } from './audit-reads.ts';
import { appendAudit } from './audit-store.ts';
import type { Sql } from './sql.ts';
import { sqlOfTenant } from './tenancy.ts';

let database: TestDatabase;
let trail: TestTrail;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() => void (trail = new TestTrail(database)));

describe('nobody', () => {
  const asTenant = () => sqlOfTenant(database.tenantPool, { workspaceId: trail.workspaceId });

  it.each(['audit_entry', 'audit_seal', 'audit_origin'])(
    'changes or empties %s, whoever they are',
    async (table) => {
      await trail.append(trail.entry(1, { address: '192.0.2.1' }));
      await trail.seal();
      for (const sql of [asTenant(), trail.system]) {
        await expect(sql.rows(`update ${table} set workspace_id = workspace_id`)).rejects.toThrow(
          /permission denied/,
        );
        await expect(sql.rows(`delete from ${table}`)).rejects.toThrow(/permission denied/);
        await expect(sql.rows(`truncate ${table}`)).rejects.toThrow(/permission denied/);
      }
      for (const statement of [
        `update ${table} set workspace_id = workspace_id`,
        `delete from ${table}`,
        `truncate ${table} cascade`,
      ])
        await expect(database.pool.query(statement)).rejects.toThrow(/append-only/);
    },
  );

  it('says when something happened, or seals it, in place of the hive', async () => {
    const tenant = asTenant();
    const columns = `workspace_id, actor_kind, action, outcome`;
    const values = `'${trail.workspaceId}', 'USER', 'x.y', 'ALLOWED'`;
    for (const [column, value] of [
      ['at', `now() - interval '1 year'`],
      ['xid', `'1'`],
    ] as const) {
      const text = `insert into audit_entry (${columns}, ${column}) values (${values}, ${value})`;
      await expect(tenant.rows(text)).rejects.toThrow(/permission denied/);
      await expect(trail.system.rows(text)).rejects.toThrow(/permission denied/);
    }
    const sealText = `insert into audit_seal (workspace_id, position, entry_id, previous, hash) values ('${trail.workspaceId}', 1, uuidv7(), sha256(''), sha256(''))`;
    await expect(tenant.rows(sealText)).rejects.toThrow(/permission denied/);
    await expect(tenant.rows(`select hive_audit_erase_origins(uuidv7())`)).rejects.toThrow(
      /permission denied/,
    );
    await expect(tenant.rows(`select hive_audit_retain('${trail.workspaceId}', now(), 1)`)).rejects.toThrow(
      /permission denied/,
    );
  });

  it('writes or reads the trail of another workspace', async () => {
    const mine = trail.workspaceId;
    trail = new TestTrail(database);
    await appendAudit(asTenant(), [trail.entry(1)]);
    const stranger = sqlOfTenant(database.tenantPool, { workspaceId: mine });
    await expect(appendAudit(stranger, [trail.entry(2)])).rejects.toThrow(/row-level security/);
    expect((await pageOfAudit(stranger, { workspaceId: trail.workspaceId, first: 10 })).rows).toEqual([]);
    expect((await readAll(exportAudit(stranger, trail.workspaceId))).length).toBe(1);
    expect((await pageOfAudit(asTenant(), { workspaceId: trail.workspaceId, first: 10 })).rows).toHaveLength(
      1,
    );
  });
});

describe('an entry', () => {
  it('is there exactly when the change is', async () => {
    await expect(
      trail.transaction(async (sql) => {
        await appendAudit(sql, [trail.entry(1)]);
        throw new Error('the change fails');
      }),
    ).rejects.toThrow('the change fails');
    expect((await pageOfAudit(trail.system, { workspaceId: trail.workspaceId, first: 10 })).rows).toEqual([]);
  });

  it('takes whatever text there is', async () => {
    const odd = `\0 \ud800 "\\ {} ${'x'.repeat(100_000)}`;
    await trail.append(
      trail.entry(1, { subjectId: odd, userAgent: odd, address: odd, detail: { [odd.slice(0, 50)]: odd } }),
      trail.entry(2, { detail: { __proto__: 1, n: [1e21, -0, 0.1] } }),
      trail.entry(3, { detail: JSON.parse('{"__proto__": {"a": 1}}') as never }),
    );
    await trail.seal();
    expect(await trail.report()).toMatchObject({ sealed: 3, intact: true });
  });
});

describe('reading', () => {
  it('pages newest first without gap or repeat', async () => {
    await trail.writeSealed(7);
    const seen: string[] = [];
    let after: string | undefined;
    for (;;) {
      const page = await pageOfAudit(trail.system, { workspaceId: trail.workspaceId, first: 3, after });
      seen.push(...page.rows.map((row) => row.subjectId!));
      if (!page.hasNext) break;
      after = page.rows.at(-1)!.id;
    }
    expect(seen).toEqual(['t7', 't6', 't5', 't4', 't3', 't2', 't1']);
  });

  it('filters by who, what, how, when and any text', async () => {
    const actorId = randomUUID();
    await trail.append(
      trail.entry(1, { actorId, action: 'member.invite', address: '192.0.2.9', userAgent: 'test' }),
      trail.entry(2, { action: 'member.remove', outcome: 'DENIED', detail: { reason: '100% RANK_x' } }),
    );
    await systemClock.sleep(5);
    const half = new Date();
    await systemClock.sleep(5);
    await trail.append(
      trail.entry(3, { actorKind: 'ANONYMOUS', actorId: null, action: 'members.x', outcome: 'FAILED' }),
    );
    const find = async (filter: NonNullable<Parameters<typeof pageOfAudit>[1]['filter']>) =>
      (await pageOfAudit(trail.system, { workspaceId: trail.workspaceId, filter, first: 10 })).rows.map(
        (row) => row.subjectId,
      );
    expect(await find({ actorId })).toEqual(['t1']);
    expect(await find({ action: 'member.*' })).toEqual(['t2', 't1']);
    expect(await find({ action: 'member.invite' })).toEqual(['t1']);
    expect(await find({ action: 'memb_r*' })).toEqual([]);
    expect(await find({ outcome: 'FAILED' })).toEqual(['t3']);
    expect(await find({ subjectId: 't2' })).toEqual(['t2']);
    expect(await find({ since: half })).toEqual(['t3']);
    expect(await find({ until: half })).toEqual(['t2', 't1']);
    expect(await find({ text: '% rank_' })).toEqual(['t2']);
    expect(await find({ text: "'; drop table audit_entry --" })).toEqual([]);
    const [first] = (
      await pageOfAudit(trail.system, { workspaceId: trail.workspaceId, filter: { actorId }, first: 1 })
    ).rows;
    expect(first).toMatchObject({ address: '192.0.2.9', userAgent: 'test', sealed: false });
  });

  it('uses an index for each filter', async () => {
    await database.pool.query('analyze audit_entry');
    const client = await database.pool.connect();
    try {
      await client.query('set enable_seqscan = off; set enable_sort = off');
      const plans: string[] = [];
      const explain: Sql = {
        async rows<Row>(text: string, values?: readonly unknown[]) {
          const found = await client.query<{ 'QUERY PLAN': string }>(`explain ${text}`, [...(values ?? [])]);
          plans.push(found.rows.map((row) => row['QUERY PLAN']).join('\n'));
          return [] as Row[];
        },
      };
      const filters = [{}, { actorId: 'a' }, { action: 'a.b' }, { subjectId: 's' }, { since: new Date() }];
      for (const filter of filters)
        await pageOfAudit(explain, {
          workspaceId: trail.workspaceId,
          filter,
          first: 10,
          after: randomUUID(),
        });
      for (const plan of plans) expect(plan).toMatch(/Index .*audit_entry_(newest|actor|action|subject)/);
      for (const plan of plans) expect(plan).not.toMatch(/Sort/);
    } finally {
      client.release(true);
    }
  });
});

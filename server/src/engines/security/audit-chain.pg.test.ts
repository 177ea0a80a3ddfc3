import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { readAll, TestTrail } from '../../../../tests/support/audit-trail.ts';
import { createTestDatabase, type TestDatabase } from '../../../../tests/support/database.ts';
import { silentLog } from '../../../../tests/support/log.ts';
import { systemClock } from '../../lib/clock.ts';
import { exportAudit, pageOfAudit, readAuditState } from '../../stores/audit-reads.ts';
import {
  appendAudit,
  applyAuditRetention,
  eraseAuditOrigins,
  forgetAuditOrigins,
} from '../../stores/audit-store.ts';
import { sqlOfClient } from '../../stores/sql.ts';
import { verifyAudit } from './audit-chain.ts';
import { verifyExport } from './audit-export-check.ts';
import { sealAll, startAuditSealer } from './audit-sealer.ts';

let database: TestDatabase;
let trail: TestTrail;
beforeAll(async () => {
  database = await createTestDatabase();
});
afterAll(() => database.drop());
beforeEach(() => void (trail = new TestTrail(database)));

describe('the chain', () => {
  it('holds every entry in the order of the log, and says where it ends', async () => {
    await trail.writeSealed(5);
    await trail.append(trail.entry(6), trail.entry(7));
    expect(await trail.report()).toMatchObject({ sealed: 5, unsealed: 2, intact: true });
    await trail.seal();
    const found = await trail.report();
    expect(found).toMatchObject({ sealed: 7, unsealed: 0, intact: true });
    expect(await readAuditState(trail.system, trail.workspaceId)).toEqual({
      ...{ sealedCount: 7, unsealedCount: 0, headHash: found.headHash, headPosition: 7, anchorPosition: 0 },
    });
    const { rows } = await database.pool.query<{ subject_id: string }>(
      `select e.subject_id from audit_seal s join audit_entry e on e.id = s.entry_id where s.workspace_id = $1 order by position`,
      [trail.workspaceId],
    );
    expect(rows.map((row) => row.subject_id)).toEqual(['t1', 't2', 't3', 't4', 't5', 't6', 't7']);
  });

  it('waits for a transaction that began earlier, and seals both then', async () => {
    const early = await database.systemPool.connect();
    try {
      await early.query('begin');
      await appendAudit(sqlOfClient(early), [trail.entry(1)]);
      await trail.append(trail.entry(2));
      await sealAll(trail);
      expect(await trail.report()).toMatchObject({ sealed: 0, unsealed: 1, intact: true });
      await early.query('commit');
    } finally {
      early.release();
    }
    await trail.seal();
    expect(await trail.report()).toMatchObject({ sealed: 2, unsealed: 0, intact: true });
  });

  it('stays whole when many write and many seal at once', async () => {
    const other = randomUUID();
    const writers = Array.from({ length: 200 }, (_, index) =>
      trail.append(trail.entry(index), trail.entry(index, { workspaceId: other })),
    );
    const sealers = Array.from({ length: 20 }, () => sealAll(trail));
    await Promise.all([...writers, ...sealers]);
    await trail.seal();
    expect(await trail.report()).toMatchObject({ sealed: 200, unsealed: 0, intact: true });
    const [second] = await verifyAudit(trail.system, other);
    expect(second).toMatchObject({ sealed: 200, unsealed: 0, intact: true });
    expect(second!.headHash).not.toBe((await trail.report()).headHash);
  });

  it('is continued by the loop soon after a commit, and by its end', async () => {
    const sealer = startAuditSealer({
      transaction: trail.transaction,
      clock: systemClock,
      log: silentLog,
      intervalMs: 60_000,
    });
    await trail.append(trail.entry(1));
    sealer.wake();
    while ((await trail.report()).sealed < 1) await systemClock.sleep(10);
    await trail.append(trail.entry(2));
    await sealer.stop();
    expect(await trail.report()).toMatchObject({ sealed: 2, unsealed: 0 });
  });

  it('goes on after a dump was restored into another cluster', async () => {
    await trail.writeSealed(2);
    await trail.append(trail.entry(3));
    // As it looks there: rows and watermark bear transaction ids that the new cluster has not reached.
    await trail.tamper(
      `update audit_entry set xid = ((xid::text)::bigint + 1000000000)::text::xid8 where workspace_id = $1`,
    );
    await trail.tamper(`update audit_sealer set xid = '1999999999', seq = 1, cluster = 'another'`);
    await trail.append(trail.entry(4));
    await trail.seal();
    expect(await trail.report()).toMatchObject({ sealed: 4, unsealed: 0, intact: true });
    await trail.append(trail.entry(5));
    await trail.seal();
    expect(await trail.report()).toMatchObject({ sealed: 5, unsealed: 0, intact: true });
  });
});

describe('verification notices', () => {
  const cases: [string, string, number | null, RegExp][] = [
    [
      'a changed detail',
      `update audit_entry set detail = '{"number": 3}' where workspace_id = $1 and subject_id = 't2'`,
      2,
      /not what was sealed/,
    ],
    [
      'a changed time',
      `update audit_entry set at = at - interval '1 microsecond' where workspace_id = $1 and subject_id = 't3'`,
      3,
      /not what was sealed/,
    ],
    [
      'a changed outcome',
      `update audit_entry set outcome = 'DENIED' where workspace_id = $1 and subject_id = 't5'`,
      5,
      /not what was sealed/,
    ],
    [
      'a removed entry',
      `delete from audit_entry where workspace_id = $1 and subject_id = 't3'`,
      3,
      /entry is missing/,
    ],
    [
      'a removed seal',
      `delete from audit_seal where workspace_id = $1 and position = 3`,
      4,
      /position 3 to 3 are missing/,
    ],
    [
      'a removed beginning',
      `delete from audit_seal where workspace_id = $1 and position <= 2`,
      3,
      /begins at position 3 instead of 1/,
    ],
    [
      'a removed end',
      `delete from audit_seal where workspace_id = $1 and position >= 4`,
      4,
      /end is missing/,
    ],
    ['everything removed', `delete from audit_seal where workspace_id = $1`, 1, /end is missing/],
    [
      'two entries that changed places',
      `update audit_seal s set entry_id = o.entry_id from audit_seal o
      where s.workspace_id = $1 and o.workspace_id = $1 and s.position + o.position = 5 and s.position in (2, 3)`,
      2,
      /not what was sealed/,
    ],
    [
      'a changed hash',
      `update audit_seal set hash = sha256('x') where workspace_id = $1 and position = 5`,
      5,
      /not what was sealed/,
    ],
    [
      'a removed record of the end',
      `delete from audit_head where workspace_id = $1`,
      5,
      /record of where the chain ends/,
    ],
    [
      'a replaced record of the end',
      `update audit_head set hash = sha256('x') where workspace_id = $1`,
      5,
      /another hash/,
    ],
    [
      'an entry added afterwards',
      `insert into audit_entry (workspace_id, xid, actor_kind, action, outcome)
      select workspace_id, xid, 'USER', 'x.y', 'ALLOWED' from audit_entry where workspace_id = $1 and subject_id = 't2'`,
      null,
      /added afterwards/,
    ],
  ];
  it.each(cases)('%s', async (_, statement, position, problem) => {
    await trail.writeSealed(5);
    // What follows in the log of another workspace, so that the place of an intruder has surely been passed.
    await trail.append(trail.entry(6, { workspaceId: randomUUID() }));
    await trail.seal();
    // The unique key would be in the way of swapping two seals in one statement.
    await database.pool.query(`alter table audit_seal drop constraint if exists audit_seal_entry_id_key`);
    await trail.tamper(statement);
    const found = await trail.report();
    expect(found.intact).toBe(false);
    expect(found.firstBroken?.position).toBe(position);
    expect(found.firstBroken?.problem).toMatch(problem);
  });

  it('a beginning that was cut off as retention does it, but for the record', async () => {
    await trail.writeSealed(5);
    await trail.tamper(
      `delete from audit_entry where workspace_id = $1 and subject_id in ('t1', 't2', 't3')`,
    );
    await trail.tamper(`delete from audit_seal where workspace_id = $1 and position < 3`);
    await trail.tamper(`update audit_head set anchor_position = 3 where workspace_id = $1`);
    expect(await trail.report()).toMatchObject({
      intact: false,
      firstBroken: { position: 3, problem: expect.stringMatching(/no retention on record/) as string },
    });
    const lines = await readAll(exportAudit(trail.system, trail.workspaceId));
    expect((await verifyExport(lines)).firstBroken?.problem).toMatch(/no retention on record/);
  });

  it('a chain computed anew, by a head noted earlier', async () => {
    await trail.writeSealed(5);
    const noted = (await trail.report()).headHash!;
    await trail.tamper(`delete from audit_seal where workspace_id = $1 and position = 5`);
    await trail.tamper(`delete from audit_entry where workspace_id = $1 and subject_id = 't5'`);
    await trail.tamper(
      `update audit_head h set position = 4, hash = s.hash from audit_seal s
      where h.workspace_id = $1 and s.workspace_id = $1 and s.position = 4`,
    );
    expect(await trail.report(noted)).toMatchObject({ intact: true, sealed: 4, expectedFound: false });
    const now = (await trail.report()).headHash!;
    await trail.append(trail.entry(6));
    await trail.seal();
    expect(await trail.report(now)).toMatchObject({ intact: true, expectedFound: true });
  });
});

describe('an export', () => {
  it('can be verified by itself, whole or filtered', async () => {
    await trail.writeSealed(1_203);
    await trail.append(trail.entry(9_999, { address: '192.0.2.1' }));
    const lines = await readAll(exportAudit(trail.system, trail.workspaceId));
    expect(lines).toHaveLength(1_205);
    const { headHash } = await trail.report();
    expect(await verifyExport(lines, headHash!)).toEqual({
      ...{
        workspaceId: trail.workspaceId,
        entries: 1_204,
        unsealed: 1,
        filtered: false,
        intact: true,
        headHash,
        expectedFound: true,
      },
    });
    const some = await readAll(exportAudit(trail.system, trail.workspaceId, { subjectId: 't500' }));
    expect(await verifyExport(some)).toMatchObject({ entries: 1, filtered: true, intact: true });
  });

  it('shows where it was changed', async () => {
    await trail.writeSealed(5);
    const lines = await readAll(exportAudit(trail.system, trail.workspaceId));
    const changed = (change: (copy: string[]) => void) => {
      const copy = [...lines];
      change(copy);
      return verifyExport(copy);
    };
    expect(await changed((copy) => (copy[2] = copy[2]!.replace('ALLOWED', 'FAILED')))).toMatchObject({
      firstBroken: { line: 3, problem: 'the entry is not what was sealed' },
    });
    expect(await changed((copy) => copy.splice(3, 1))).toMatchObject({ firstBroken: { line: 4 } });
    expect(await changed((copy) => copy.splice(1, 2))).toMatchObject({
      firstBroken: { line: 2, problem: 'the entries from position 1 to 2 are missing' },
    });
    expect(await changed((copy) => copy.pop())).toMatchObject({ firstBroken: { line: 6 }, intact: false });
    expect(await changed((copy) => ([copy[1], copy[2]] = [copy[2]!, copy[1]!]))).toMatchObject({
      intact: false,
    });
    expect(await changed((copy) => (copy[4] = '{'))).toMatchObject({ firstBroken: { line: 5 } });
    expect(await verifyExport([])).toMatchObject({ intact: false });
    expect(await verifyExport(['[]'])).toMatchObject({ intact: false });
  });
});

describe('housekeeping', () => {
  it('removes what is past its time, leaves the rest verifiable and says what it did', async () => {
    await trail.writeSealed(6);
    const noted = (await trail.report()).headHash!;
    await trail.tamper(
      `update audit_entry set at = at - interval '40 days' where workspace_id = $1 and subject_id in ('t1', 't2', 't3')`,
    );
    // Sealed as they are now.
    await trail.tamper(`delete from audit_seal where workspace_id = $1`);
    await trail.tamper(`delete from audit_head where workspace_id = $1`);
    await trail.tamper(`update audit_sealer set xid = '0', seq = 0`);
    await trail.seal();
    expect(await trail.transaction((sql) => applyAuditRetention(sql, 0))).toBe(0);
    expect(await trail.transaction((sql) => applyAuditRetention(sql, 30))).toBe(3);
    expect(await trail.transaction((sql) => applyAuditRetention(sql, 30))).toBe(0);
    await trail.seal();
    const found = await trail.report();
    expect(found).toMatchObject({ sealed: 4, unsealed: 0, intact: true });
    expect(found.headHash).not.toBe(noted);
    const page = await pageOfAudit(trail.system, { workspaceId: trail.workspaceId, first: 10 });
    expect(page.rows.map((row) => row.action)).toEqual([
      'audit.retain',
      'task.create',
      'task.create',
      'task.create',
    ]);
    expect(page.rows[0]).toMatchObject({
      actorKind: 'SYSTEM',
      detail: { removedCount: 3, throughPosition: 3 },
    });
    expect(await verifyExport(await readAll(exportAudit(trail.system, trail.workspaceId)))).toMatchObject({
      intact: true,
      entries: 4,
    });
    // What retention left can be cut off no further without being noticed.
    await trail.tamper(`delete from audit_seal where workspace_id = $1 and position = 3`);
    expect((await trail.report()).firstBroken?.problem).toMatch(/begins at position 4 instead of 3/);
  });

  it('does not remove the last day, whatever it is told', async () => {
    await trail.writeSealed(1);
    await expect(
      trail.system.rows(`select hive_audit_retain($1, now() - interval '1 hour', 10)`, [trail.workspaceId]),
    ).rejects.toThrow(/last day/);
  });

  it('forgets where a person was, and what is old, and nothing of what happened', async () => {
    const person = randomUUID();
    await trail.append(
      trail.entry(1, { actorId: person, address: '192.0.2.1', userAgent: 'a' }),
      trail.entry(2, { actorKind: 'API_KEY', userId: person, address: '192.0.2.2' }),
      trail.entry(3, { address: '192.0.2.3' }),
    );
    await trail.seal();
    expect(await eraseAuditOrigins(trail.system, person)).toBe(2);
    const addresses = async () =>
      (await pageOfAudit(trail.system, { workspaceId: trail.workspaceId, first: 10 })).rows.map(
        (row) => row.address,
      );
    expect(await addresses()).toEqual(['192.0.2.3', null, null]);
    expect(await forgetAuditOrigins(trail.system, 90)).toBe(0);
    await trail.tamper(`update audit_origin set at = at - interval '91 days' where workspace_id = $1`);
    expect(await forgetAuditOrigins(trail.system, 90)).toBe(1);
    expect(await addresses()).toEqual([null, null, null]);
    expect(await trail.report()).toMatchObject({ sealed: 3, intact: true });
  });
});

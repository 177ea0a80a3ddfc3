import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mutations } from '../integration/api/permission-operations.ts';
import { newProject, type World } from '../integration/api/permission-world.ts';
import { runHive } from '../support/hive-command.ts';
import { password, startHiveUnderAttack, type HiveUnderAttack, type Somebody } from './hive-under-attack.ts';

let hive: HiveUnderAttack;
let world: World;
beforeAll(async () => {
  hive = await startHiveUnderAttack();
  await hive.pool.query(`update agent set status = 'PAUSED'`);
  const place = { pool: hive.pool, workspaceId: hive.home };
  const actor = { kind: 'USER', role: 'OWNER', id: hive.eve.id, userId: hive.eve.id } as World['actor'];
  world = { ...place, actor, projectId: await newProject(place) };
  await hive.stepUp();
});
afterAll(() => hive?.stop());

interface Entry {
  action: string;
  outcome: string;
  actor_kind: string;
  actor_id: string | null;
  detail: { operation?: string };
}

/** Entries of a kind, once there are any: those of refusals and sign-ins are written a moment later. */
async function entries(action: string, outcome: string, where = 'true'): Promise<Entry[]> {
  const read = async () =>
    (
      await hive.pool.query<Entry>(
        `select action, outcome, actor_kind, actor_id, detail from audit_entry where action = $1 and outcome = $2 and ${where} order by xid, seq`,
        [action, outcome],
      )
    ).rows;
  await expect.poll(async () => (await read()).length, { timeout: 5_000 }).toBeGreaterThan(0);
  return read();
}

let viewers = 0;
const send = async (who: Somebody, field: string) => {
  const { text, variables } = mutations[field]!;
  return hive.ask<Record<string, { __typename: string }>>(who.headers(), text, await variables?.(world));
};

describe('every mutation', () => {
  // Done last: whoever leaves does nothing after it. What a test arranges by SQL is no use to these two.
  const skipped = ['leaveWorkspace', 'rotateSecrets'];

  test.each(Object.keys(mutations).filter((field) => !skipped.includes(field)))(
    '%s is on record under who did it, and refused under who tried',
    async (field) => {
      const done = await send(hive.eve, field);
      const { __typename: type } = done.data![field]!;
      // Of one actor twenty refusals a minute are kept one by one; each of these comes from somebody else.
      const viewer = await hive.join(`Vic${(viewers += 1)}`, 'VIEWER');
      const tried = await send(viewer, field);
      const own = ['revokeApiKey', 'rotateApiKey'].includes(field);
      if (!own) expect(tried.data![field]!.__typename).toBe('ForbiddenError');
      const { rows } = await hive.pool.query<Entry>(
        `select action, outcome, actor_kind, actor_id, detail from audit_entry where detail->>'operation' = $1 and actor_id = $2`,
        [field, hive.eve.id],
      );
      expect(type).not.toMatch(/Error$/);
      expect(rows).toMatchObject([{ outcome: 'ALLOWED', actor_kind: 'USER' }]);
      const refused = await entries(rows[0]!.action, 'DENIED', `actor_id = '${viewer.id}'`);
      expect(refused.length).toBeGreaterThan(0);
    },
  );
});

describe('every way in', () => {
  test('shows what was done among any number of refusals', async () => {
    const who = await hive.join('Hider', 'VIEWER');
    const refusals = Array.from({ length: 60 }, () =>
      hive.ask(who.headers(), '{ auditState { sealedCount } }'),
    );
    await Promise.all(refusals);
    const { token } = (await who.browser.post('/hive/pair/start')).body as { token: string };
    await hive.browser().post('/hive/pair/claim', { token, deviceName: 'hidden' });
    const paired = await entries('device.paired', 'ALLOWED', `actor_id = '${who.id}'`);
    expect(paired).toHaveLength(1);
    // The trail cannot be changed when somebody is erased: it holds nothing that they typed.
    expect(JSON.stringify(paired)).not.toContain('hidden');
  });

  test('is on record, used or tried', async () => {
    const key = await hive.key(hive.eve);
    await hive.ask(key.headers, '{ viewer { role } }');
    const bare = key.id.split(':')[1]!;
    expect(await entries('key.used', 'ALLOWED', `actor_id = '${bare}'`)).not.toEqual([]);
    await hive.browser().post('/hive/service-token', {}, key.headers);
    await hive.browser().post('/hive/service-token', {}, { authorization: 'Bearer hive_wrong' });
    await hive.browser().post('/sign-in/email', { email: hive.vic.email, password });
    await hive.browser().post('/sign-in/email', { email: hive.vic.email, password: 'not the password' });
    await hive
      .browser()
      .post('/sign-in/email', { email: 'ghost@hive.example', password: 'not the password' });
    const { token } = (await hive.vic.browser.post('/hive/pair/start')).body as { token: string };
    const paired = hive.browser();
    await paired.post('/hive/pair/claim', { token });
    await paired.post('/sign-out');
    for (const [action, outcome] of [
      ['setup.completed', 'ALLOWED'],
      ['invitation.accepted', 'ALLOWED'],
      ['service_token.issued', 'ALLOWED'],
      ['service_token.refused', 'FAILED'],
      ['sign_in.succeeded', 'ALLOWED'],
      ['sign_in.failed', 'FAILED'],
      ['device.pairing_started', 'ALLOWED'],
      ['device.paired', 'ALLOWED'],
      ['sign_out', 'ALLOWED'],
    ] as const)
      expect((await entries(action, outcome)).map((entry) => entry.action)).toContain(action);
    // Whoever failed is not known to be the one they tried to be.
    expect(await entries('sign_in.failed', 'FAILED', `subject_id = '${hive.vic.id}'`)).toHaveLength(1);
    expect(await entries('sign_in.failed', 'FAILED', 'subject_id is null')).toHaveLength(1);
    expect(await entries('sign_in.failed', 'FAILED', 'actor_id is null')).toHaveLength(2);
  });

  test('a refused read or download is on record, too', async () => {
    await hive.ask(hive.vic.headers(), '{ auditEntries { edges { cursor } } }');
    await hive.call('/api/audit/export', { headers: hive.vic.headers() });
    const vics = `actor_id = '${hive.vic.id}'`;
    expect(await entries('audit.read', 'DENIED', vics)).not.toEqual([]);
    expect(await entries('audit.export', 'DENIED', vics)).not.toEqual([]);
    expect((await hive.call('/api/audit/export', { headers: hive.eve.headers() })).status).toBe(200);
    expect(await entries('audit.export', 'ALLOWED', `actor_id = '${hive.eve.id}'`)).not.toEqual([]);
  });

  test('nothing secret is in it', async () => {
    const value = 'sk-a-very-secret-value';
    await hive.do(
      hive.eve.headers(),
      `mutation { setSecret(input: { name: "llm.openai.apiKey", value: "${value}" }) { __typename } }`,
    );
    const { rows } = await hive.pool.query<{ text: string }>(
      'select row_to_json(e)::text as text from audit_entry e',
    );
    const all = rows.map(({ text }) => text).join('\n');
    for (const secret of [value, password, hive.eve.browser.cookie.split('=')[1]!])
      expect(all).not.toContain(secret);
    expect(all).not.toMatch(/hive_[A-Za-z0-9_-]{49}/);
  });
});

describe('hive audit verify', () => {
  const verify = () =>
    runHive({ dataDir: hive.server.dataDir, databaseUrl: hive.databaseUrl }, 'audit', 'verify');
  const sealed = async () =>
    (
      await hive.pool.query<{ n: number }>(
        'select count(*)::int as n from audit_entry e where not exists (select from audit_seal where entry_id = e.id)',
      )
    ).rows[0]!.n;
  /** As a superuser with every guard off. */
  async function tamper(statement: string): Promise<void> {
    const client = await hive.pool.connect();
    try {
      await client.query(`begin; set local session_replication_role = 'replica'; ${statement}; commit`);
    } finally {
      client.release();
    }
  }

  test('finds the trail of all of this intact, and every change of it', async () => {
    await expect.poll(sealed, { timeout: 10_000 }).toBe(0);
    const before = await verify();
    expect([before.code, before.out]).toEqual([
      0,
      expect.stringMatching(/default: [\d,]+ sealed entries, intact/),
    ]);
    const one = `(select id from audit_entry where workspace_id = '${hive.home}' and outcome = 'DENIED' order by xid, seq limit 1)`;
    const { rows } = await hive.pool.query<{ id: string }>(`select ${one} as id`);
    await tamper(`update audit_entry set outcome = 'ALLOWED' where id = '${rows[0]!.id}'`);
    const changed = await verify();
    expect([changed.code, changed.out]).toEqual([1, expect.stringContaining('BROKEN')]);
    expect(changed.out).toContain(rows[0]!.id);
    await tamper(`update audit_entry set outcome = 'DENIED' where id = '${rows[0]!.id}'`);
    expect((await verify()).code).toBe(0);
    await tamper(`delete from audit_entry where id = '${rows[0]!.id}'`);
    expect((await verify()).code).toBe(1);
  });
});

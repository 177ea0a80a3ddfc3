import { expect, it } from 'vitest';
import { recordingLog } from '../../../../tests/support/log.ts';
import type { NewAuditEntry } from '../../stores/audit-store.ts';
import type { Sql } from '../../stores/sql.ts';
import { createAuditRecorder } from './audit-recorder.ts';

interface Written {
  action: string;
  outcome: string;
  actorId: string | null;
  address: string | null;
  detail: { [name: string]: unknown };
}

/** Stands in for the table; `fail` is asked with each batch's actions. */
function bench(fail: (actions: readonly string[]) => Error | undefined = () => undefined) {
  const written: Written[] = [];
  const systemSql: Sql = {
    rows<Row>(_text: string, values: readonly unknown[] = []) {
      const columns = values as readonly (string | null)[][];
      const failure = fail(columns[3] as string[]);
      if (failure) return Promise.reject(failure);
      for (let row = 0; row < columns[0]!.length; row += 1)
        written.push({
          action: columns[3]![row]!,
          outcome: columns[4]![row]!,
          actorId: columns[2]![row]!,
          address: columns[10]![row]!,
          detail: JSON.parse(columns[7]![row]!) as Written['detail'],
        });
      return Promise.resolve([] as Row[]);
    },
  };
  const clock = {
    at: 1_000_000,
    now: () => clock.at,
    sleep: (_ms: number, signal?: AbortSignal) =>
      new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true })),
  };
  const log = recordingLog();
  const recorder = createAuditRecorder({ systemSql, clock, log });
  return { written, clock, log, recorder };
}

function denied(more: Partial<NewAuditEntry> = {}): NewAuditEntry {
  return {
    ...{ workspaceId: 'w', actorKind: 'ANONYMOUS', actorId: null, action: 'sign-in', outcome: 'DENIED' },
    address: '192.0.2.1',
    ...more,
  };
}

it('writes what is recorded, in order', async () => {
  const { recorder, written } = bench();
  for (let index = 0; index < 3; index += 1) recorder.record(denied({ action: `a.${index}` }));
  await recorder.flush();
  expect(written.map((entry) => entry.action)).toEqual(['a.0', 'a.1', 'a.2']);
  await recorder.stop();
});

it('keeps twenty of a source in full each minute and counts the rest', async () => {
  const { recorder, written, clock } = bench();
  for (let index = 0; index < 10_000; index += 1)
    recorder.record(denied({ action: index % 4 === 0 ? 'key.use' : 'sign-in' }));
  recorder.record(denied({ address: '192.0.2.2' }));
  recorder.record(denied({ actorKind: 'USER', actorId: 'u' }));
  await recorder.flush();
  expect(written).toHaveLength(22);
  clock.at += 60_000;
  recorder.record(denied());
  await recorder.flush();
  const [count] = written.filter((entry) => entry.action === 'audit.repeated');
  expect(count).toMatchObject({ address: '192.0.2.1', outcome: 'DENIED' });
  expect(count!.detail).toMatchObject({
    count: 9_980,
    actions: { 'key.use DENIED': 2_495, 'sign-in DENIED': 7_485 },
  });
  expect(written).toHaveLength(24);
  await recorder.stop();
});

it('loses no count, however many come from wherever, and keeps its size', async () => {
  const { recorder, written, clock } = bench();
  const total = 60_000;
  for (let index = 0; index < total; index += 1) {
    if (index % 10_000 === 0) clock.at += 20_000;
    recorder.record(
      denied({
        address: `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
        action: `x.${index % 50}`,
      }),
    );
  }
  await recorder.stop();
  const counted = written
    .filter((entry) => entry.action === 'audit.repeated')
    .reduce((sum, entry) => sum + Number(entry.detail['count']), 0);
  const inFull = written.filter((entry) => entry.action !== 'audit.repeated').length;
  expect(inFull + counted).toBe(total);
  expect(written.length).toBeLessThan(20_000);
});

it('takes an IPv6 network for one source', async () => {
  const { recorder, written } = bench();
  for (let index = 0; index < 100; index += 1)
    recorder.record(denied({ address: `2001:db8:0:1::${index.toString(16)}` }));
  recorder.record(denied({ address: '2001:db8:0:2::1' }));
  await recorder.stop();
  expect(written.filter((entry) => entry.action === 'sign-in')).toHaveLength(21);
});

it('keeps what it has while the database is away, bounded, and says how late it is', async () => {
  let away = true;
  const { recorder, written, clock } = bench(() =>
    away ? Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }) : undefined,
  );
  for (let minute = 0; minute < 10; minute += 1) {
    for (let index = 0; index < 3_000; index += 1) recorder.record(denied({ actorId: `u${index}` }));
    await recorder.flush();
    clock.at += 60_000;
  }
  expect(written).toEqual([]);
  away = false;
  await recorder.stop();
  const counted = written
    .filter((entry) => entry.action === 'audit.repeated')
    .reduce((sum, entry) => sum + Number(entry.detail['count']), 0);
  expect(written.filter((entry) => entry.action === 'sign-in').length + counted).toBe(30_000);
  expect(written[0]!.detail['recordedLateMs']).toBe(600_000);
});

it('passes over an entry the database refuses, and says so', async () => {
  const { recorder, written, log } = bench((actions) =>
    actions.includes('bad') ? Object.assign(new Error('refused'), { code: '23514' }) : undefined,
  );
  for (const action of ['a.1', 'bad', 'a.2']) recorder.record(denied({ action }));
  await recorder.flush();
  expect(written.map((entry) => entry.action)).toEqual(['a.1', 'a.2']);
  expect(log.lines).toMatchObject([{ level: 'error', fields: { action: 'bad', error: 'refused' } }]);
  await recorder.stop();
});

it('says how much is lost when it ends without a database', async () => {
  const { recorder, log } = bench(() => Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }));
  recorder.record(denied());
  await recorder.stop();
  expect(log.lines.at(-1)).toMatchObject({ level: 'error', fields: { lost: 1 } });
});

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../tests/support/database.ts';
import { recordingLog } from '../../../../tests/support/log.ts';
import { inSystemTransaction } from '../../managers/transaction.ts';
import { readKeyMark } from '../../stores/secret-store.ts';
import { sqlOfPool, type Sql } from '../../stores/sql.ts';
import { assertKeyOfDatabase } from './key-mark.ts';
import { Keyring } from './keyring.ts';
import { rotateAll } from './secret-rotation.ts';

let database: TestDatabase;
let sql: Sql;
const folders: string[] = [];
const newKeyring = () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'hive-key-mark-'));
  folders.push(dataDir);
  return new Keyring({ dataDir });
};
beforeAll(async () => {
  database = await createTestDatabase();
  sql = sqlOfPool(database.systemPool);
});
beforeEach(async () => {
  await sql.rows('delete from master_key');
  await sql.rows('delete from identity."user"');
});
afterAll(async () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  await database.drop();
});

const someone = () => sql.rows(`insert into identity."user" (name, email) values ('Ann', 'ann@example.com')`);

it('lets a server with another key in only while nothing was encrypted or signed', async () => {
  const [first, second] = [newKeyring(), newKeyring()];
  const log = recordingLog();
  await assertKeyOfDatabase(sql, first, log);
  expect(log.lines).toEqual([]);
  await assertKeyOfDatabase(sql, second, log);
  expect(log.lines).toMatchObject([{ level: 'warn', fields: { before: first.current.id } }]);
  await someone();
  await assertKeyOfDatabase(sql, second, log);
  await expect(assertKeyOfDatabase(sql, first, log)).rejects.toThrow(
    new RegExp(`kept with the secret key ${second.current.id}, and this hive has ${first.current.id}`),
  );
  expect(await readKeyMark(sql)).toBe(second.current.id);
});

it('follows a rotation, at whatever point a server starts', async () => {
  const keyring = newKeyring();
  const log = recordingLog();
  await assertKeyOfDatabase(sql, keyring, log);
  await someone();
  const transaction = <T>(work: (sql: Sql) => Promise<T>) => inSystemTransaction(database.systemPool, work);
  const also = async () => {
    await assertKeyOfDatabase(sql, keyring, log);
    return 0;
  };
  await rotateAll({ transaction, keyring, also });
  expect(await readKeyMark(sql)).toBe(keyring.current.id);
  await assertKeyOfDatabase(sql, keyring, log);
  expect(log.lines).toEqual([]);
});

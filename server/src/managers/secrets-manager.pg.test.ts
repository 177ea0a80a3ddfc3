import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/support/database.ts';
import { scopeOf } from '../../../tests/support/scopes.ts';
import { Keyring } from '../engines/security/keyring.ts';
import { redactText } from '../engines/security/redaction.ts';
import { rotateAll } from '../engines/security/secret-rotation.ts';
import { pageOfAudit } from '../stores/audit-reads.ts';
import { sqlOfPool, type Sql } from '../stores/sql.ts';
import { createSecretsManager, type SecretsManager, type SecretsManagerDeps } from './secrets-manager.ts';
import { withStoredKeys } from './stored-model-keys.ts';
import { inSystemTransaction } from './transaction.ts';

let database: TestDatabase;
let dataDir: string;
let keyring: Keyring;
let deps: SecretsManagerDeps;
let secrets: SecretsManager;
let denied: string[];
let changed: string[];
let other: string;

beforeAll(async () => {
  database = await createTestDatabase();
  const { rows } = await database.pool.query<{ id: string }>(
    `insert into workspace (slug, name) values ('other', 'Other') returning id`,
  );
  other = rows[0]!.id;
});
afterAll(() => database.drop());

beforeEach(async () => {
  await database.pool.query('delete from secret');
  dataDir = mkdtempSync(join(tmpdir(), 'hive-secrets-'));
  keyring = new Keyring({ dataDir });
  denied = [];
  changed = [];
  deps = {
    orm: database.orm,
    systemSql: sqlOfPool(database.systemPool),
    keyring,
    homeWorkspaceId: database.workspaceId,
    transaction,
    onDenied: (_scope, action, _about, reason) => void denied.push(`${action} ${reason}`),
    onChanged: (workspaceId, name) => void changed.push(`${workspaceId} ${name}`),
  };
  secrets = createSecretsManager(deps);
});
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

function transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T> {
  return inSystemTransaction(database.systemPool, work);
}
const home = () => scopeOf(database.workspaceId);
const elsewhere = () => scopeOf(other);

async function ciphertexts(): Promise<string[]> {
  const { rows } = await database.pool.query<{ ciphertext: string }>(
    'select ciphertext from secret order by name',
  );
  return rows.map((row) => row.ciphertext);
}

describe('a secret', () => {
  it('is stored encrypted, listed by name, read by the hive and never logged', async () => {
    const value = `sk_${'v'.repeat(30)}`;
    const row = await secrets.setSecret(home(), { name: 'llm.openai.apiKey', value });
    expect(row).toMatchObject({ name: 'llm.openai.apiKey', updatedBy: null });
    expect(await secrets.listSecrets(home())).toEqual([row]);
    expect(JSON.stringify(row)).not.toContain(value);
    expect((await ciphertexts()).join()).not.toContain(value);
    expect(await secrets.readSecret(database.workspaceId, 'llm.openai.apiKey')).toBe(value);
    expect(redactText(`with ${value}`)).toBe('with [redacted]');
    expect(changed).toEqual([`${database.workspaceId} llm.openai.apiKey`]);
  });

  it('is replaced, deleted, and gone', async () => {
    await secrets.setSecret(home(), { name: 'webhook.build', value: 'first' });
    await secrets.setSecret(home(), { name: 'webhook.build', value: 'second' });
    expect(await secrets.readSecret(database.workspaceId, 'webhook.build')).toBe('second');
    await secrets.deleteSecret(home(), { name: 'webhook.build' });
    expect(await secrets.readSecret(database.workspaceId, 'webhook.build')).toBeUndefined();
    await expect(secrets.deleteSecret(home(), { name: 'webhook.build' })).rejects.toThrow(/No Secret/);
  });

  it('belongs to its workspace', async () => {
    await secrets.setSecret(elsewhere(), { name: 'token.x', value: 'of the other' });
    expect(await secrets.listSecrets(home())).toEqual([]);
    expect(await secrets.readSecret(database.workspaceId, 'token.x')).toBeUndefined();
    // Copied by somebody with the database at hand, it is worth nothing.
    await database.pool.query(
      `insert into secret (workspace_id, name, ciphertext, key_id) select $1, name, ciphertext, key_id from secret`,
      [database.workspaceId],
    );
    await expect(secrets.readSecret(database.workspaceId, 'token.x')).rejects.toThrow(/does not decrypt/);
  });

  it('is on the record by its name alone', async () => {
    await secrets.setSecret(home(), {
      name: 'token.recorded',
      value: 'unspeakable-value',
      idempotencyKey: randomUUID(),
    });
    const { rows } = await pageOfAudit(deps.systemSql, { workspaceId: database.workspaceId, first: 1 });
    expect(rows[0]).toMatchObject({
      action: 'secret.write',
      subjectId: 'token.recorded',
      actorKind: 'LOCAL',
    });
    expect(JSON.stringify(rows)).not.toContain('unspeakable');
    const stored = await database.pool.query(
      `select * from idempotency_key where operation like 'setSecret%'`,
    );
    expect(JSON.stringify(stored.rows)).not.toContain('unspeakable');
  });

  it('is set once per idempotency key', async () => {
    const input = { name: 'token.once', value: 'a', idempotencyKey: randomUUID() };
    await secrets.setSecret(home(), input);
    await secrets.setSecret(home(), { name: 'token.once', value: 'b' });
    await secrets.setSecret(home(), input);
    expect(await secrets.readSecret(database.workspaceId, 'token.once')).toBe('b');
    await expect(secrets.setSecret(home(), { ...input, value: 'c' })).rejects.toThrow(/idempotency key/);
  });

  it.each([
    ['path', 'x', /name: must be llm/],
    ['webhook.', 'x', /name: must be llm/],
    ['token.a b', 'x', /name: must be llm/],
    ['token.ok', '', /value: must not be empty/],
    ['token.ok', 'a\0b', /value: must not contain NUL/],
    ['token.ok', 'x'.repeat(16_001), /value: must have at most/],
    ['llm.openai.apiKey', 'has a space in it', /value: must be the key/],
  ])('named %j with such a value is refused without repeating it', async (name, value, problem) => {
    const refusal = secrets.setSecret(home(), { name, value });
    await expect(refusal).rejects.toThrow(problem);
    await expect(refusal).rejects.not.toMatchObject({ fields: [{ value: expect.anything() as unknown }] });
  });

  it('for the models is that of the first workspace', async () => {
    await expect(
      secrets.setSecret(elsewhere(), { name: 'llm.openai.apiKey', value: 'sk-0123456789' }),
    ).rejects.toThrow(/first workspace only/);
  });

  it('is the business of admins', async () => {
    const operator = scopeOf(database.workspaceId, { kind: 'USER', id: randomUUID(), role: 'OPERATOR' });
    await expect(secrets.setSecret(operator, { name: 'token.x', value: 'y' })).rejects.toMatchObject({
      reason: 'ROLE',
    });
    const program = scopeOf(database.workspaceId, { kind: 'API_KEY', id: randomUUID(), role: 'OWNER' });
    await expect(secrets.deleteSecret(program, { name: 'token.x' })).rejects.toMatchObject({
      reason: 'PEOPLE_ONLY',
    });
    await expect(secrets.listSecrets(operator)).rejects.toThrow(/role ADMIN/);
    expect(denied).toEqual(['secret.write ROLE', 'secret.write PEOPLE_ONLY']);
  });
});

describe('a rotation', () => {
  const setMany = async (count: number) => {
    for (let number = 0; number < count; number += 1)
      await secrets.setSecret(home(), { name: `token.t${number}`, value: `value ${number}` });
  };
  const readMany = async (count: number, from = secrets) => {
    for (let number = 0; number < count; number += 1)
      expect(await from.readSecret(database.workspaceId, `token.t${number}`)).toBe(`value ${number}`);
  };

  it('moves everything to a new key and retires the old one', async () => {
    await setMany(5);
    const before = keyring.current;
    const withAlso = createSecretsManager({ ...deps, reencryptAlso: () => Promise.resolve(2) });
    expect(await withAlso.rotateSecrets(home())).toEqual({ reencryptedCount: 7 });
    expect(keyring.current.id).not.toBe(before.id);
    expect(keyring.isRotating).toBe(false);
    for (const text of await ciphertexts()) expect(text.startsWith(`v1.${keyring.current.id}.`)).toBe(true);
    await readMany(5);
  });

  it('leaves the old key in use while it does not know who else needs it', async () => {
    await setMany(1);
    await secrets.rotateSecrets(home());
    expect(keyring.isRotating).toBe(true);
  });

  it('goes on where it was cut off, with no third key', async () => {
    await setMany(450);
    let batches = 0;
    const cut = <T>(work: (sql: Sql) => Promise<T>): Promise<T> => {
      batches += 1;
      // The lock, one batch of 200, then the plug is pulled.
      return batches <= 2 ? transaction(work) : Promise.reject(new Error('killed'));
    };
    const also = () => Promise.resolve(0);
    await expect(rotateAll({ transaction: cut, keyring, also })).rejects.toThrow('killed');
    const halfway = keyring.current;
    expect(new Set((await ciphertexts()).map((text) => text.slice(3, 11))).size).toBe(2);
    await readMany(450);
    expect(await rotateAll({ transaction, keyring: new Keyring({ dataDir }), also })).toEqual({
      ...{ reencryptedCount: 250, failed: [], retired: true },
    });
    expect(keyring.current).toEqual(halfway);
    await readMany(450);
  });

  it('loses nothing that is set meanwhile by a server that does not know of it', async () => {
    await setMany(20);
    const serverSecrets = createSecretsManager({ ...deps, keyring: new Keyring({ dataDir }) });
    const rotations = Promise.all(
      Array.from({ length: 3 }, () =>
        rotateAll({ transaction, keyring: new Keyring({ dataDir }), also: () => Promise.resolve(0) }),
      ),
    );
    const writes = Promise.all(
      Array.from({ length: 60 }, (_, index) =>
        serverSecrets.setSecret(home(), { name: `token.t${index}`, value: `value ${index}` }),
      ),
    );
    await Promise.all([rotations, writes]);
    await readMany(60, createSecretsManager({ ...deps, keyring: new Keyring({ dataDir }) }));
  });

  it('moves from the key before to the one of the environment', async () => {
    await setMany(3);
    const first = randomBytes(32).toString('base64');
    const withFirst = new Keyring({ dataDir, secretKey: first });
    const also = () => Promise.resolve(0);
    expect(await rotateAll({ transaction, keyring: withFirst, also })).toMatchObject({ reencryptedCount: 3 });
    rmSync(join(dataDir, 'secret.key'));
    const second = new Keyring({
      dataDir,
      secretKey: randomBytes(32).toString('base64'),
      previousSecretKey: first,
    });
    expect(await rotateAll({ transaction, keyring: second, also })).toMatchObject({ reencryptedCount: 3 });
    await readMany(3, createSecretsManager({ ...deps, keyring: second }));
  });

  it('says what it cannot read and keeps the key', async () => {
    await setMany(2);
    await database.pool.query(`update secret set ciphertext = 'v1.00000000.damaged' where name = 'token.t0'`);
    const rotation = await rotateAll({ transaction, keyring, also: () => Promise.resolve(0) });
    expect(rotation).toMatchObject({ reencryptedCount: 1, retired: false });
    expect(rotation.failed[0]).toMatch(/token\.t0: .*damaged/);
  });

  it('is for owners of the first workspace', async () => {
    await expect(secrets.rotateSecrets(elsewhere())).rejects.toMatchObject({ reason: 'WORKSPACE' });
    const owner = scopeOf(database.workspaceId, { kind: 'USER', id: randomUUID(), role: 'OWNER' });
    await expect(secrets.rotateSecrets(owner)).rejects.toMatchObject({ reason: 'STEP_UP' });
    expect(denied).toEqual(['secret.rotate WORKSPACE', 'secret.rotate STEP_UP']);
  });
});

it('gives the models stored keys where the configuration has none', async () => {
  await secrets.setSecret(home(), { name: 'llm.openai.apiKey', value: 'sk-stored-openai' });
  await secrets.setSecret(home(), { name: 'llm.anthropic.apiKey', value: 'sk-stored-anthropic' });
  const read = (name: string) => secrets.readSecret(database.workspaceId, name);
  expect(await withStoredKeys({ timeoutMs: 1, openaiApiKey: 'from the environment' }, read)).toEqual({
    timeoutMs: 1,
    openaiApiKey: 'from the environment',
    anthropicApiKey: 'sk-stored-anthropic',
  });
});

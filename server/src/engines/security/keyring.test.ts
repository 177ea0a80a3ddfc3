import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decryptSecret, encryptSecret, keyIdOf } from './encryption.ts';
import { derivedSecrets } from '../../identity/secret-keys.ts';
import { Keyring } from './keyring.ts';
import { redactText } from './redaction.ts';

let dataDir: string;
beforeEach(() => void (dataDir = mkdtempSync(join(tmpdir(), 'hive-keyring-'))));
afterEach(() => rmSync(dataDir, { recursive: true, force: true }));

const path = () => join(dataDir, 'secret.key');
const randomKey = () => randomBytes(32).toString('base64');

describe('the key file', () => {
  it('is made for its owner only, and stays the same', () => {
    const first = new Keyring({ dataDir });
    expect(statSync(path()).mode & 0o777).toBe(0o600);
    expect(new Keyring({ dataDir }).current).toEqual(first.current);
    expect(first.current.id).toMatch(/^[0-9a-f]{8}$/);
    expect(first.current.key).toHaveLength(32);
    expect(readdirSync(dataDir)).toEqual(['secret.key']);
  });

  it('is the same for servers that start at once', async () => {
    const program = `import { Keyring } from ${JSON.stringify(new URL('keyring.ts', import.meta.url).href)};
      console.log(new Keyring({ dataDir: ${JSON.stringify(dataDir)} }).current.id);`;
    const ids = await Promise.all(
      Array.from({ length: 4 }, () => {
        const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
        let output = '';
        child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
        return new Promise<string>((resolve) => void child.once('close', () => resolve(output.trim())));
      }),
    );
    expect(new Set(ids)).toEqual(new Set([new Keyring({ dataDir }).current.id]));
  });

  it('is refused when others can read it, with the way to mend that', () => {
    new Keyring({ dataDir });
    chmodSync(path(), 0o640);
    expect(() => new Keyring({ dataDir })).toThrow(`mode 640). Run: chmod 600 ${path()}`);
  });

  it.each(['', '{}', '{"keys":[]}', '{"keys":[{"key":"c2hvcnQ="}]}', 'x'])(
    'is refused when it holds %j',
    (text) => {
      writeFileSync(path(), text, { mode: 0o600 });
      expect(() => new Keyring({ dataDir })).toThrow(/secret\.key (is damaged|holds no keys)/);
    },
  );

  it('is followed when another process changes it', () => {
    const server = new Keyring({ dataDir });
    const command = new Keyring({ dataDir });
    const before = server.current;
    const added = command.add();
    expect(server.current).toEqual(added);
    expect(server.isRotating).toBe(true);
    expect(server.find(before.id)).toMatchObject(before);
    expect(server.secretKeys()).toEqual({
      current: { version: Number.parseInt(added.id, 16), key: added.key },
      previous: { version: Number.parseInt(before.id, 16), key: before.key },
    });
    command.retire();
    expect(server.isRotating).toBe(false);
    // What it signed is recognised as long as a session lasts.
    expect(server.find(before.id)).toBeDefined();
    expect(statSync(path()).mode & 0o777).toBe(0o600);
  });

  it('hands on all keys that sessions may have been signed with, however many rotations ago', () => {
    const keyring = new Keyring({ dataDir });
    const ids = [keyring.current.id];
    for (let round = 0; round < 3; round += 1) {
      ids.unshift(keyring.add().id);
      keyring.retire();
    }
    const versions = derivedSecrets(keyring.secretKeys()).map(({ version }) => version);
    expect(versions).toEqual(ids.map((id) => Number.parseInt(id, 16)));
  });

  it('forgets keys that were retired long ago', () => {
    const keyring = new Keyring({ dataDir, keepRetiredDays: 30 });
    const first = keyring.current;
    keyring.add();
    keyring.retire();
    const file = JSON.parse(readFileSync(path(), 'utf8')) as { keys: { retiredAt?: string }[] };
    file.keys[1]!.retiredAt = new Date(Date.now() - 31 * 86_400_000).toISOString();
    writeFileSync(path(), JSON.stringify(file));
    keyring.add();
    keyring.retire();
    expect(keyring.find(first.id)).toBeUndefined();
    expect(keyring.previous).toHaveLength(1);
  });
});

describe('a key of the environment', () => {
  it('needs no file, and reads what the file or the key before encrypted', () => {
    const fromFile = new Keyring({ dataDir });
    const place = { purpose: 'stored', workspaceId: 'w', name: 'n' };
    const old = encryptSecret(fromFile, 'by the file', place);
    const secretKey = randomKey();
    const keyring = new Keyring({ dataDir, secretKey });
    expect(keyring.source).toBe('ENVIRONMENT');
    expect(decryptSecret(keyring, old, place)).toBe('by the file');
    const next = new Keyring({ dataDir, secretKey: randomKey(), previousSecretKey: secretKey });
    expect(decryptSecret(next, encryptSecret(keyring, 'by the key before', place), place)).toBe(
      'by the key before',
    );
    expect(() => keyring.add()).toThrow(/HIVE_SECRET_KEY_PREVIOUS/);
    const empty = mkdtempSync(join(tmpdir(), 'hive-keyring-'));
    new Keyring({ dataDir: empty, secretKey });
    expect(readdirSync(empty)).toEqual([]);
    rmSync(empty, { recursive: true });
  });

  it('is refused when it is not 32 bytes', () => {
    expect(() => new Keyring({ dataDir, secretKey: 'c2hvcnQ=' })).toThrow(/HIVE_SECRET_KEY must be 32 bytes/);
  });

  it('never appears in a log', () => {
    const secretKey = randomKey();
    new Keyring({ dataDir, secretKey });
    expect(redactText(`HIVE is ${secretKey}.`)).toBe('HIVE is [redacted]=.');
  });
});

describe('a secret', () => {
  const places = fc.record({ purpose: fc.string(), workspaceId: fc.string(), name: fc.string() });

  it('comes back as it was, from its place only', () => {
    const keyring = new Keyring({ dataDir });
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), places, places, (text, place, other) => {
        fc.pre(
          text.isWellFormed() && Object.values({ ...place, ...other }).every((part) => part.isWellFormed()),
        );
        const sealed = encryptSecret(keyring, text, place);
        expect(decryptSecret(keyring, sealed, place)).toBe(text);
        expect(keyIdOf(sealed)).toBe(keyring.current.id);
        if (JSON.stringify(place) !== JSON.stringify(other))
          expect(() => decryptSecret(keyring, sealed, other)).toThrow(/does not decrypt/);
      }),
      { numRuns: 50 },
    );
  });

  it('is refused after any change of its envelope', () => {
    const keyring = new Keyring({ dataDir });
    const place = { purpose: 'stored', workspaceId: 'w', name: 'n' };
    const sealed = encryptSecret(keyring, 'a secret text', place);
    fc.assert(
      fc.property(
        fc.nat(sealed.length - 1),
        fc.constantFrom('A', 'Z', 'a', 'z', '0', '9', '-', '_', '.'),
        (at, letter) => {
          fc.pre(sealed[at] !== letter);
          const changed = sealed.slice(0, at) + letter + sealed.slice(at + 1);
          // The last letter of base64 may carry bits that mean nothing.
          fc.pre(
            !Buffer.from(changed.split('.')[3] ?? '', 'base64url').equals(
              Buffer.from(sealed.split('.')[3]!, 'base64url'),
            ) || at < sealed.lastIndexOf('.'),
          );
          expect(() => decryptSecret(keyring, changed, place)).toThrow(/stored secret n/);
        },
      ),
    );
    for (const text of ['', 'v1', 'v2.00000000.AAAA.AAAA', sealed.slice(0, -30), `${sealed}.`])
      expect(() => decryptSecret(keyring, text, place)).toThrow(/stored secret n/);
  });

  it('never is the same twice, and names the key that is missing', () => {
    const keyring = new Keyring({ dataDir });
    const place = { purpose: 'stored', workspaceId: 'w', name: 'n' };
    const sealed = encryptSecret(keyring, 'a secret text', place);
    expect(encryptSecret(keyring, 'a secret text', place)).not.toBe(sealed);
    rmSync(path());
    expect(() => decryptSecret(new Keyring({ dataDir }), sealed, place)).toThrow(
      `with the key ${keyring.current.id}, which is not there`,
    );
  });
});

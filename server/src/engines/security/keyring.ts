import { createHash, hkdfSync, randomBytes, randomUUID } from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '../../lib/errors.ts';
import { registerSecretValue } from './redaction.ts';

/** A key everything secret is encrypted under, by way of keys derived from it. */
export interface MasterKey {
  /** First 8 hexadecimal digits of the SHA-256 of the key. */
  id: string;
  /** 32 bytes. */
  key: Buffer;
}

interface StoredKey extends MasterKey {
  createdAt: string;
  /** When everything had been encrypted anew. Signatures made with it are still recognised for a while. */
  retiredAt?: string;
}

export interface KeyringOptions {
  dataDir: string;
  /** HIVE_SECRET_KEY and HIVE_SECRET_KEY_PREVIOUS, base64. Without the first a file in the data folder holds the keys. */
  secretKey?: string | undefined;
  previousSecretKey?: string | undefined;
  /** How long a retired key in the file still recognises what it signed: as long as a session lasts. Default 30. */
  keepRetiredDays?: number;
}

const fileName = 'secret.key';
const note =
  'Encrypts the secrets of this hive, the first key being the present one. Back it up apart from the database: without it they are lost.';

/** The master keys of this hive, from the environment or from a file that only its owner reads. */
export class Keyring {
  readonly source: 'ENVIRONMENT' | 'FILE';
  readonly #path: string;
  readonly #keepRetiredMs: number;
  /** Of the environment. */
  readonly #given: readonly MasterKey[];
  #stored: readonly StoredKey[] = [];
  /** Of the file when it was read. */
  #stamp = '';

  /** @throws Error in words for the operator: a file others can read, or that is damaged */
  constructor(options: KeyringOptions) {
    this.#path = join(options.dataDir, fileName);
    this.#keepRetiredMs = (options.keepRetiredDays ?? 30) * 86_400_000;
    const { secretKey, previousSecretKey } = options;
    this.source = secretKey === undefined ? 'FILE' : 'ENVIRONMENT';
    this.#given = [
      ...(secretKey === undefined ? [] : [keyOf(secretKey, 'HIVE_SECRET_KEY')]),
      ...(previousSecretKey === undefined ? [] : [keyOf(previousSecretKey, 'HIVE_SECRET_KEY_PREVIOUS')]),
    ];
    for (const key of this.#given) hideKey(key);
    if (this.source === 'FILE') createKeyFile(options.dataDir, this.#path);
    this.refresh();
  }

  /** What new secrets are encrypted with. Another process may have rotated meanwhile, so the file is looked at each time. */
  get current(): MasterKey {
    this.refresh();
    return (this.source === 'FILE' ? this.#stored[0] : this.#given[0])!;
  }

  /** The ones before, newest first, the retired ones among them. */
  get previous(): readonly MasterKey[] {
    const { id } = this.current;
    return this.#all().filter((key) => key.id !== id);
  }

  /** Whether a rotation was begun and not finished. Keys of the environment are exchanged by whoever sets it. */
  get isRotating(): boolean {
    this.refresh();
    return this.source === 'FILE' && this.#stored.slice(1).some((key) => key.retiredAt === undefined);
  }

  find(id: string): MasterKey | undefined {
    this.refresh();
    return this.#all().find((key) => key.id === id);
  }

  /** Reads the file again when it was changed. @returns whether it was */
  refresh(): boolean {
    let stamp: string;
    try {
      const { mtimeNs, size, ino } = statSync(this.#path, { bigint: true });
      stamp = `${mtimeNs} ${size} ${ino}`;
    } catch (error) {
      if (this.source === 'ENVIRONMENT' || this.#stored.length > 0) return false;
      throw new Error(`The secret key ${this.#path} cannot be read: ${messageOf(error)}`, { cause: error });
    }
    if (stamp === this.#stamp) return false;
    this.#stored = readKeyFile(this.#path);
    this.#stamp = stamp;
    for (const key of this.#stored) hideKey(key);
    return true;
  }

  /** Makes a new current key. The caller holds the lock of rotations, so that no two processes do it at once. */
  add(): MasterKey {
    if (this.source === 'ENVIRONMENT')
      throw new Error(
        'The secret key comes from the environment. Put a new one into HIVE_SECRET_KEY and the present one into HIVE_SECRET_KEY_PREVIOUS, then rotate.',
      );
    this.refresh();
    this.#write([newKey(), ...this.#stored]);
    return this.current;
  }

  /** Marks all but the current key as no longer needed for reading, and forgets those that have been so for long. */
  retire(): void {
    if (this.source === 'ENVIRONMENT') return;
    this.refresh();
    const now = Date.now();
    const [current, ...others] = this.#stored;
    const kept = others
      .map((key) => ({ ...key, retiredAt: key.retiredAt ?? new Date(now).toISOString() }))
      .filter((key) => now - Date.parse(key.retiredAt) < this.#keepRetiredMs);
    this.#write([current!, ...kept]);
  }

  /** 32 bytes for one purpose, from the current key; another label gives another key. */
  deriveKey(label: string): Buffer {
    return deriveFrom(this.current, label);
  }

  /** For the identity service, which numbers its keys. */
  secretKeys(): {
    current: { version: number; key: Buffer };
    previous?: { version: number; key: Buffer };
    older?: { version: number; key: Buffer }[];
  } {
    const numbered = ({ id, key }: MasterKey) => ({ version: Number.parseInt(id, 16), key });
    const { current } = this;
    const [previous, ...older] = this.previous.map(numbered);
    return {
      current: numbered(current),
      ...(previous ? { previous } : {}),
      ...(older.length > 0 ? { older } : {}),
    };
  }

  #all(): readonly MasterKey[] {
    return [...this.#given, ...this.#stored];
  }

  #write(keys: readonly StoredKey[]): void {
    const draft = writeDraft(this.#path, keys);
    renameSync(draft, this.#path);
    this.refresh();
  }
}

/** Keeps it out of logs, however it is written. */
function hideKey({ key }: MasterKey): void {
  // Without the padding, which may have been left out where it was set.
  registerSecretValue(key.toString('base64').replace('=', ''));
  registerSecretValue(key.toString('base64url'));
  registerSecretValue(key.toString('hex'));
}

/** A key for one purpose: what is encrypted for one is nothing to another (RFC 5869). */
export function deriveFrom({ key }: MasterKey, label: string): Buffer {
  return Buffer.from(hkdfSync('sha256', key, '', label, 32));
}

function keyOf(text: string, name: string): MasterKey {
  const key = Buffer.from(text, 'base64');
  if (key.length !== 32)
    throw new Error(`${name} must be 32 bytes in base64, for example from \`openssl rand -base64 32\`.`);
  return { id: idOf(key), key };
}

function idOf(key: Buffer): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 8);
}

function newKey(): StoredKey {
  const key = randomBytes(32);
  return { id: idOf(key), key, createdAt: new Date().toISOString() };
}

/** Two servers that start at once agree: the file appears whole, and only one of them can make it. */
function createKeyFile(dataDir: string, path: string): void {
  try {
    statSync(path);
    return;
  } catch {
    // made below
  }
  mkdirSync(dataDir, { recursive: true });
  const draft = writeDraft(path, [newKey()]);
  try {
    linkSync(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST')
      throw new Error(`The secret key ${path} cannot be made: ${messageOf(error)}`, { cause: error });
  } finally {
    rmSync(draft, { force: true });
  }
}

function writeDraft(path: string, keys: readonly StoredKey[]): string {
  const draft = `${path}.${process.pid}-${randomUUID()}`;
  const text = JSON.stringify(
    { note, keys: keys.map((key) => ({ ...key, key: key.key.toString('base64') })) },
    null,
    2,
  );
  const file = openSync(draft, 'wx', 0o600);
  try {
    writeSync(file, `${text}\n`);
    // Secrets are encrypted under it next: it must not be lost to a power cut that those survive.
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  return draft;
}

/** @throws Error when others can read it, or it holds no keys */
function readKeyFile(path: string): StoredKey[] {
  const mode = statSync(path).mode & 0o777;
  if (process.platform !== 'win32' && (mode & 0o077) !== 0)
    throw new Error(
      `The secret key ${path} can be read by others (mode ${mode.toString(8)}). Run: chmod 600 ${path}`,
    );
  try {
    const { keys } = JSON.parse(readFileSync(path, 'utf8')) as {
      keys: { key: string; createdAt: string; retiredAt?: string }[];
    };
    const read = keys.map(({ key, ...rest }) => ({ ...keyOf(key, path), ...rest }));
    if (read.length > 0) return read;
  } catch (cause) {
    throw new Error(
      `The secret key ${path} is damaged. Restore it from a backup; without it the stored secrets cannot be read.`,
      { cause },
    );
  }
  throw new Error(`The secret key ${path} holds no keys. Restore it from a backup.`);
}

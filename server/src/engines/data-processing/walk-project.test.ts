import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSecretPath } from './skipped-files.ts';
import { walkProject } from './walk-project.ts';

let root: string;
const files: Record<string, string> = {
  'README.md': 'x',
  '.gitignore': 'dist/\n*.log\n!keep.log\n/only-root.txt\n',
  'only-root.txt': 'x',
  'a.log': 'x',
  'keep.log': 'x',
  'dist/out.js': 'x',
  'src/main.ts': 'x',
  'src/only-root.txt': 'x',
  'src/.gitignore': 'generated/\n!*.log\n',
  'src/b.log': 'x',
  'src/generated/x.ts': 'x',
  'node_modules/m/index.js': 'x',
  '.git/config': 'x',
  '.hive/postgres/PG_VERSION': '18',
  '.env': 'x',
  '.env.local': 'x',
  '.env.example': 'x',
  'certs/server.pem': 'x',
  id_ed25519: 'x',
  'pnpm-lock.yaml': 'x',
  '.ssh/known_hosts': 'x',
};

beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'hive-walk-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  symlinkSync('/etc', join(root, 'etc'));
  symlinkSync('/etc/hostname', join(root, 'hostname'));
});
afterAll(() => rmSync(root, { recursive: true }));

describe('walk', () => {
  it('lists what is worth reading, honouring nested .gitignore files', async () => {
    const walk = await walkProject(root, new AbortController().signal);
    expect(walk.paths).toEqual([
      '.env.example',
      '.gitignore',
      'README.md',
      'keep.log',
      'src/.gitignore',
      'src/b.log',
      'src/main.ts',
      'src/only-root.txt',
    ]);
    // .env, .env.local, the key, the certificate, the lock file and two links
    expect(walk.skippedCount).toBe(7);
  });
  it('stops when aborted and fails on a root that is not there', async () => {
    await expect(walkProject(root, AbortSignal.abort(new Error('stop')))).rejects.toThrow('stop');
    await expect(walkProject(join(root, 'nowhere'), new AbortController().signal)).rejects.toThrow('ENOENT');
  });
});

describe('secrets', () => {
  it.each([
    '.env',
    'a/.env.production',
    'k.pem',
    'server.key',
    'id_rsa',
    'id_ed25519.pub',
    'credentials',
    'credentials.json',
    '.npmrc',
    '.aws/config',
    'x/.ssh/config',
    'secrets.yaml',
    'service-account-prod.json',
    'x.tfstate',
  ])('include %s', (path) => expect(isSecretPath(path)).toBe(true));
  it.each([
    '.env.example',
    'src/credentials.ts',
    'keyboard.ts',
    'docs/secrets.md',
    'environment.ts',
    'monkey.txt',
  ])('do not include %s', (path) => expect(isSecretPath(path)).toBe(false));
});

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, relative } from 'node:path';

export interface BuildOutcome {
  built: boolean;
  seconds: number;
}

const hashFile = '.build-hash';

/**
 * Builds the phone app when its sources are not those of the last build.
 * @throws Error with the end of the build's output
 */
export async function buildAppIfChanged(root: string, onBuild: () => void): Promise<BuildOutcome> {
  const dist = join(root, 'mobile-pwa', 'dist');
  const hash = hashSources(root);
  if (existsSync(join(dist, 'index.html')) && readText(join(dist, hashFile)) === hash)
    return { built: false, seconds: 0 };
  const began = performance.now();
  onBuild();
  await runVite(join(root, 'mobile-pwa'));
  mkdirSync(dist, { recursive: true });
  writeFileSync(join(dist, hashFile), hash);
  return { built: true, seconds: (performance.now() - began) / 1_000 };
}

/** Of everything that goes into the app: its files, the schema's, and the versions of what it is built with. */
function hashSources(root: string): string {
  const hash = createHash('sha256');
  for (const folder of ['mobile-pwa', 'schema']) {
    for (const path of listFiles(join(root, folder))) {
      hash.update(relative(root, path)).update('\0').update(readFileSync(path)).update('\0');
    }
  }
  return hash.update(readText(join(root, 'pnpm-lock.yaml'))).digest('hex');
}

function listFiles(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(
      (entry) => entry.name !== 'node_modules' && entry.name !== 'dist' && !entry.name.endsWith('.test.ts'),
    )
    .flatMap((entry) =>
      entry.isDirectory() ? listFiles(join(folder, entry.name)) : [join(folder, entry.name)],
    )
    .sort();
}

function runVite(folder: string): Promise<void> {
  const packagePath = createRequire(join(folder, 'package.json')).resolve('vite/package.json');
  const { bin } = JSON.parse(readFileSync(packagePath, 'utf8')) as { bin: { vite: string } };
  const child = spawn(process.execPath, [join(dirname(packagePath), bin.vite), 'build'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  const keep = (chunk: Buffer) => (output = `${output}${chunk.toString()}`.slice(-4_000));
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`The app does not build (vite exited with ${code}):\n${output.trim()}`)),
    );
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

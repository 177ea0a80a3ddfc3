/** `pnpm dev`: the server, restarted when its sources change, beside vite's own server for the app. */
import { spawn, type ChildProcess } from 'node:child_process';
import { resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = resolve(fileURLToPath(import.meta.url), '../../../..');
const vitePort = process.env['VITE_PORT'] ?? '5173';
const hosts = [process.env['HIVE_ALLOWED_HOSTS'], `localhost:${vitePort}`, `127.0.0.1:${vitePort}`]
  .filter(Boolean)
  .join(',');

const children: ChildProcess[] = [
  spawn(process.execPath, ['--watch-path=server/src', 'server/src/cli/start.ts'], {
    cwd: root,
    stdio: 'inherit',
    // Requests come through vite's proxy, with its name in their headers.
    env: { ...process.env, HIVE_APP_BUILD: 'never', HIVE_ALLOWED_HOSTS: hosts },
  }),
  spawn(process.execPath, ['node_modules/vite/bin/vite.js', '--port', vitePort, '--strictPort'], {
    cwd: resolve(root, 'mobile-pwa'),
    stdio: 'inherit',
  }),
];

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => children.forEach((child) => child.kill(signal)));
for (const child of children) child.once('exit', () => children.forEach((other) => other.kill('SIGTERM')));

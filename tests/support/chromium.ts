import { existsSync } from 'node:fs';

/** Where a Chromium is: `CHROMIUM_PATH`, the system's, else the one of @sparticuz/chromium, which needs no system package. */
export async function findChromium(): Promise<{ path: string; args: string[] }> {
  const plain = ['--no-sandbox', '--disable-dev-shm-usage'];
  const given = process.env['CHROMIUM_PATH'];
  if (given) return { path: given, args: plain };
  for (const path of [
    '/usr/bin/chromium',
    '/usr/bin/chromium-browser',
    '/usr/bin/google-chrome',
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  ]) {
    if (existsSync(path)) return { path, args: plain };
  }
  const { default: packaged } = await import('@sparticuz/chromium');
  return { path: await packaged.executablePath(), args: packaged.args };
}

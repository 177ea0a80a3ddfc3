import { randomUUID } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { isUuid } from '../lib/ids.ts';

/**
 * The name of this installation among all that share a database: made once, kept in the data folder. The instance lock sees
 * to it that only one process at a time carries it; the host's name keeps copies of the folder on other hosts apart.
 */
export function readNodeId(dataDir: string): string {
  const path = join(dataDir, 'node-id');
  let id: string;
  try {
    id = readFileSync(path, 'utf8').trim();
  } catch {
    id = '';
  }
  if (!isUuid(id)) {
    id = randomUUID();
    mkdirSync(dataDir, { recursive: true });
    writeFileSync(path, `${id}\n`, { mode: 0o600 });
  }
  return `${id}@${hostname()}`;
}

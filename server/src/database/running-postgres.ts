import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { clusterFiles, isServerOf, readPostmasterFile } from './embedded-cluster.ts';
import { urlOf } from './embedded-postgres.ts';

/** Whether a hive has ever kept its data in this folder with the built-in PostgreSQL. */
export function hasEmbeddedData(dataDir: string): boolean {
  return existsSync(join(dataDir, 'postgres', 'data', 'PG_VERSION'));
}

/**
 * The built-in PostgreSQL that a running hive has started, waited for when that is still starting.
 * @returns its URL, undefined when there is none within the time
 */
export async function findRunningPostgres(dataDir: string, patienceMs: number): Promise<string | undefined> {
  const files = clusterFiles(dataDir);
  for (const deadline = Date.now() + patienceMs; ; await sleep(50)) {
    const file = readPostmasterFile(files.data);
    if (file?.ready && isServerOf(file.pid, files.data))
      return urlOf(file.port, readFileSync(files.password, 'utf8').trim());
    if (Date.now() >= deadline) return undefined;
  }
}

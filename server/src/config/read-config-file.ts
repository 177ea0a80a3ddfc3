import { readFileSync } from 'node:fs';
import type { ConfigFile } from './parse-config.ts';

export const configFileName = 'hive.config.json';

/** The file's text, or undefined when there is none. */
export function readConfigFile(path: string): ConfigFile | undefined {
  try {
    return { path, text: readFileSync(path, 'utf8') };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

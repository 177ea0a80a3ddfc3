import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import ignore, { type Ignore } from 'ignore';
import { isGeneratedPath, isSecretPath, isSkippedFolder } from './skipped-files.ts';

/** A project larger than this is indexed up to here; the rest counts as skipped. */
const maxProjectFiles = 50_000;

export interface Walk {
  /** Paths relative to the root with `/`, sorted. */
  paths: string[];
  /** Files left out because they are secrets, generated, symbolic links or too many. Ignored files are not counted. */
  skippedCount: number;
}

interface Rules {
  /** Folder of the .gitignore, relative to the root, with a trailing slash; empty for the root. */
  base: string;
  matcher: Ignore;
}

/**
 * Lists the files to index. Honours every .gitignore on the way (a nested one overrides its parents; a folder that is
 * ignored is not entered, as git does). Symbolic links are not followed: their target is either inside the project, and
 * listed there, or outside, and none of our business.
 */
export async function walkProject(root: string, signal: AbortSignal): Promise<Walk> {
  const walk: Walk = { paths: [], skippedCount: 0 };
  const open: { folder: string; rules: readonly Rules[] }[] = [{ folder: '', rules: [] }];
  for (let next = open.pop(); next; next = open.pop()) {
    signal.throwIfAborted();
    const { folder } = next;
    const entries = await readdir(join(root, folder), { withFileTypes: true }).catch((error: unknown) => {
      // The root must be readable; a locked folder inside is only left out.
      if (folder === '') throw error;
      return [];
    });
    const own = entries.some((entry) => entry.name === '.gitignore' && entry.isFile())
      ? await readRules(root, folder)
      : undefined;
    const rules = own ? [...next.rules, own] : next.rules;
    for (const entry of entries) {
      const path = folder + entry.name;
      if (entry.isDirectory()) {
        if (!isSkippedFolder(entry.name) && !isIgnored(`${path}/`, rules))
          open.push({ folder: `${path}/`, rules });
      } else if (isIgnored(path, rules)) {
        continue;
      } else if (
        !entry.isFile() ||
        isSecretPath(path) ||
        isGeneratedPath(path) ||
        walk.paths.length >= maxProjectFiles
      ) {
        walk.skippedCount += 1;
      } else {
        walk.paths.push(path);
      }
    }
  }
  walk.paths.sort();
  return walk;
}

async function readRules(root: string, folder: string): Promise<Rules | undefined> {
  try {
    return { base: folder, matcher: ignore().add(await readFile(join(root, folder, '.gitignore'), 'utf8')) };
  } catch {
    return undefined;
  }
}

/** The last rule that says anything about the path decides, deeper files after shallower ones. */
function isIgnored(path: string, rules: readonly Rules[]): boolean {
  let ignored = false;
  for (const { base, matcher } of rules) {
    const result = matcher.test(path.slice(base.length));
    if (result.ignored) ignored = true;
    else if (result.unignored) ignored = false;
  }
  return ignored;
}

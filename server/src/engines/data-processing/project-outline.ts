import { basename, extname } from 'node:path';
import type { OutlineRow } from '../../stores/project-index-store.ts';

interface Source {
  path: string;
  text: string;
  quote: string;
  startLine: number;
  endLine: number;
}

interface Folder {
  path: string;
  depth: number;
  fileCount: number;
  lineCount: number;
  languages: { language: string; fileCount: number }[];
  sources: Source[];
}

export interface Outline {
  fileCount: number;
  lineCount: number;
  languages: { language: string; fileCount: number }[];
  sources: Source[];
  folders: Folder[];
}

const maxDepth = 3;
const sourcesPerFolder = 3;

/** Folds indexed files into the folders a person would name, each with what its own files say about it. */
export function buildOutline(rows: readonly OutlineRow[], maxFolders: number): Outline {
  const folders = new Map<string, OutlineRow[]>();
  for (const row of rows) {
    const parts = row.path.split('/').slice(0, -1);
    for (let depth = 1; depth <= Math.min(parts.length, maxDepth); depth += 1) {
      const path = parts.slice(0, depth).join('/');
      const members = folders.get(path);
      if (members) members.push(row);
      else folders.set(path, [row]);
    }
  }
  const chosen = [...folders]
    // A folder with one child and nothing else only repeats it; a small deep folder says little.
    .filter(([path, members]) => path.split('/').length <= 2 || members.length >= 3)
    .sort(
      ([left, leftRows], [right, rightRows]) =>
        depthOf(left) - depthOf(right) || rightRows.length - leftRows.length,
    )
    .slice(0, maxFolders)
    .map(([path, members]) => describe(path, members))
    .sort((left, right) => compareTree(left.path, right.path));
  const roots = rows.filter((row) => !row.path.includes('/'));
  return { ...totals(rows), sources: rootSources(roots), folders: chosen };
}

function describe(path: string, members: readonly OutlineRow[]): Folder {
  const telling = members.filter((row) => row.summary);
  const own = telling.filter((row) => row.path.slice(path.length + 1).split('/').length <= 2);
  return {
    path,
    depth: depthOf(path),
    ...totals(members),
    sources: sourcesOf(path, own.length > 0 ? own : telling),
  };
}

function totals(rows: readonly OutlineRow[]) {
  const counts = new Map<string, number>();
  let lineCount = 0;
  for (const row of rows) {
    counts.set(row.language, (counts.get(row.language) ?? 0) + 1);
    lineCount += row.lineCount;
  }
  const languages = [...counts]
    .map(([language, fileCount]) => ({ language, fileCount }))
    .sort((left, right) => right.fileCount - left.fileCount || (left.language < right.language ? -1 : 1))
    .slice(0, 5);
  return { fileCount: rows.length, lineCount, languages };
}

function sourcesOf(folder: string, rows: readonly OutlineRow[]): Source[] {
  return rows
    .filter((row) => row.summary)
    .map((row) => ({ row, weight: sourceWeight(folder, row) }))
    .sort((left, right) => right.weight - left.weight || (left.row.path < right.row.path ? -1 : 1))
    .slice(0, sourcesPerFolder)
    .map(({ row }) => toSource(row));
}

/** A README speaks for its folder; then a manifest, an entry file, the file named like the folder, then the largest. */
function sourceWeight(folder: string, row: OutlineRow): number {
  const name = basename(row.path).toLowerCase();
  const direct = row.path.slice(folder.length + 1).split('/').length === 1 ? 2 : 0;
  const size = Math.min(1, row.lineCount / 400);
  const documented = row.summary!.text.startsWith('declares ') ? 0 : 1;
  if (name.startsWith('readme')) return direct > 0 ? 12 : 2;
  if (/^(package\.json|cargo\.toml|pyproject\.toml|composer\.json)$/.test(name)) return direct > 0 ? 10 : 1;
  if (/(^|[._-])(test|spec)[._-]/.test(name)) return size - 2;
  const stem = name.slice(0, name.length - extname(name).length);
  if (/^(index|main|mod|lib|app|__init__|doc)$/.test(stem)) return 5 + direct + documented;
  if (stem === basename(folder).toLowerCase().replace(/s$/, '') || stem === basename(folder).toLowerCase())
    return 5 + direct + documented;
  return direct + documented * 2 + size;
}

function rootSources(rows: readonly OutlineRow[]): Source[] {
  const order = (row: OutlineRow) => {
    const name = basename(row.path).toLowerCase();
    if (name.startsWith('readme')) return 0;
    if (/^(package\.json|cargo\.toml|pyproject\.toml|composer\.json)$/.test(name)) return 1;
    if (/^(architecture|design|overview|contributing)/.test(name)) return 2;
    return 3;
  };
  return rows
    .filter((row) => row.summary && order(row) < 3)
    .sort((left, right) => order(left) - order(right) || (left.path < right.path ? -1 : 1))
    .slice(0, 4)
    .map(toSource);
}

function toSource({ path, summary }: OutlineRow): Source {
  const { text, quote, startLine, endLine } = summary!;
  return { path, text, quote, startLine, endLine };
}

function depthOf(path: string): number {
  return path.split('/').length;
}

/** Parents before children, siblings by name. */
function compareTree(left: string, right: string): number {
  return left.split('/').join('\0') < right.split('/').join('\0') ? -1 : 1;
}

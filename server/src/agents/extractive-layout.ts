import { projectOutlineOutput, type OutlineSource, type ProjectOutline } from '../tools/project-outline.ts';
import type { DocumentRead } from '../tools/document-read.ts';
import { needTool, type AgentRun } from './agent-run.ts';
import {
  createCitedText,
  quoteText,
  type CitedText,
  type CitedTextBuilder,
  type Source,
} from './cited-text.ts';
import { read } from './extractive-material.ts';

const documentsRead = 3;
const linesRead = 300;
const maxDescription = 220;

type Folder = ProjectOutline['folders'][number];
interface Described extends Source {
  text: string;
  path: string;
}

/** A directory outline: each folder with how much is in it and what a file of the project says it is for, cited. */
export async function layout(run: AgentRun, input: { folder?: string }): Promise<CitedText> {
  const request = input.folder ? { folder: input.folder } : {};
  const outline = await needTool(run, 'project.outline', request, projectOutlineOutput);
  const prose = [...new Set(outline.sources.map(({ path }) => path))].filter((path) =>
    /\.(md|mdx|rst|adoc|txt)$|\/?readme$/i.test(path),
  );
  const documents = await read(
    run,
    prose.slice(0, documentsRead).map((path) => ({ path, startLine: 1, endLine: linesRead })),
  );
  return renderLayout(run.project?.name ?? 'The project', outline, documents);
}

export function renderLayout(
  name: string,
  outline: ProjectOutline,
  documents: readonly DocumentRead[],
): CitedText {
  const cited = createCitedText();
  if (outline.fileCount === 0) return { text: `${name} has no indexed files.`, citations: [] };
  const about = distinct(outline.sources).slice(0, 2);
  if (about.length > 0) {
    cited.line(
      about
        .map((source) => `${closed(shorten(quoteText(source.text)))} ${citeSource(cited, source)}`)
        .join(' '),
    );
    cited.line();
  }
  const lines = outline.lineCount.toLocaleString('en');
  cited.line(
    `${name} has ${count(outline.fileCount, 'indexed file')} with ${lines} lines: ${languages(outline.languages)}.`,
  );
  cited.line();
  const shown = chooseFolders(outline.folders);
  for (const folder of shown) {
    const depth = shown.filter((other) => folder.path.startsWith(`${other.path}/`)).length;
    cited.line(`${'  '.repeat(depth)}- ${folderLine(folder, documents, cited)}`);
  }
  return cited.build();
}

/** All top folders and their children; deeper ones only while the list stays readable. */
function chooseFolders(folders: readonly Folder[]): Folder[] {
  const shallow = folders.filter(({ depth }) => depth <= 2);
  const deep = folders
    .filter(({ depth }) => depth === 3)
    .toSorted((left, right) => right.fileCount - left.fileCount)
    .slice(0, Math.max(0, 36 - shallow.length));
  return folders.filter((folder) => shallow.includes(folder) || deep.includes(folder));
}

function folderLine(folder: Folder, documents: readonly DocumentRead[], cited: CitedTextBuilder): string {
  const [main] = folder.languages;
  const size = `${count(folder.fileCount, 'file')}${main ? `, ${main.fileCount === folder.fileCount ? '' : 'mostly '}${main.language}` : ''}`;
  const said = mentionOf(folder.path, documents) ?? firstSource(folder);
  if (!said) return `\`${folder.path}/\` (${size})`;
  const own = said.path.startsWith(`${folder.path}/`);
  const name = said.path.split('/').at(-1)!;
  const by =
    own && !/^readme/i.test(name) && !/^package\.json$/.test(name)
      ? `\`${said.path.slice(folder.path.length + 1)}\`: `
      : '';
  return `\`${folder.path}/\` (${size}): ${by}${closed(shorten(quoteText(said.text)))} ${citeSource(cited, said)}`;
}

function firstSource(folder: Folder): Described | undefined {
  const [source] = folder.sources;
  return source ? { ...source } : undefined;
}

/** Where a document of the project explains a folder: `server/  what it is`, `| server | … |`, `- **server**: …`. */
export function mentionOf(folder: string, documents: readonly DocumentRead[]): Described | undefined {
  const name = folder.split('/').at(-1)!;
  const names = [...new Set([folder, name])].map((text) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const pattern = new RegExp(
    `^[\\s>*+|│├└─-]*(?:\\d+\\.\\s+)?[\`*_\\[]*(?:\\./)?(?:${names.join('|')})(?:/(?=[\\s\`*_\\]:|])|(?=[\`*_\\]]*(?:\\([^)]*\\))?\\s*[:|—–]))[\`*_\\]/]*(?:\\([^)]*\\))?[\\s:|—–#-]*(.{8,})$`,
    'i',
  );
  for (const { path, lines, startLine } of documents) {
    // A nested folder's bare name may mean another folder; only a document that is about its parent may shorten it.
    for (const [index, line] of lines.entries()) {
      const text = pattern
        .exec(line)?.[1]
        ?.replace(/\s*\|\s*$/, '')
        .replace(/\s*\|\s*/g, '; ')
        .replace(/\s+/g, ' ')
        .trim();
      if (!text || (text.match(/\p{L}{2,}/gu)?.length ?? 0) < 2) continue;
      const at = startLine + index;
      return { path, text, quote: line.trim().slice(0, 400), startLine: at, endLine: at };
    }
  }
  return undefined;
}

function citeSource(
  cited: CitedTextBuilder,
  { path, quote, startLine, endLine }: OutlineSource | Described,
): string {
  const place = startLine === undefined || endLine === undefined ? {} : { startLine, endLine };
  return cited.cite({ path, quote, ...place });
}

function distinct<T extends { text: string }>(sources: readonly T[]): T[] {
  const seen = new Set<string>();
  return sources.filter(({ text }) => {
    const plain = text
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, ' ')
      .trim();
    if (seen.has(plain)) return false;
    seen.add(plain);
    return true;
  });
}

function languages(list: ProjectOutline['languages']): string {
  return list.map(({ language, fileCount }) => `${fileCount} ${language}`).join(', ');
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}

function shorten(text: string): string {
  if (text.length <= maxDescription) return text;
  const cut = text.lastIndexOf(' ', maxDescription);
  return `${text.slice(0, cut > 80 ? cut : maxDescription)}…`;
}

function closed(text: string): string {
  return /[.!?:;…)"”`]$/.test(text) ? text : `${text}.`;
}

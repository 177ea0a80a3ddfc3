import { constants } from 'node:fs';
import { open, realpath, type FileHandle } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import { z } from 'zod';
import { languageOf } from '../engines/data-processing/languages.ts';
import {
  holdsPrivateKey,
  isBinary,
  isPrivatePath,
  isSecretPath,
  maxFileBytes,
} from '../engines/data-processing/skipped-files.ts';
import { splitLines } from '../engines/data-processing/source-unit.ts';
import { DomainError, messageOf } from '../lib/errors.ts';
import { defineTool, type ToolRun } from './tool.ts';

/** Most lines one call returns. */
export const maxLines = 400;
const maxLineChars = 2_000;

const input = z.object({
  path: z.string().min(1).max(1_000).describe('path inside the project, for example src/main.ts'),
  startLine: z.int().min(1).default(1).describe('first line, from 1'),
  endLine: z.int().min(1).optional().describe(`last line, inclusive; at most ${maxLines} lines a call`),
});

export const documentReadOutput = z.object({
  path: z.string(),
  language: z.string(),
  kind: z.enum(['CODE', 'PROSE', 'CONFIG']),
  startLine: z.int(),
  endLine: z.int(),
  totalLines: z.int(),
  lines: z.array(z.string()),
});
export type DocumentRead = z.infer<typeof documentReadOutput>;

export const documentRead = defineTool<z.infer<typeof input>, DocumentRead>({
  name: 'document.read',
  description: 'Reads lines of a text file of the project.',
  input,
  output: documentReadOutput,
  idempotent: true,
  risk: 'LOW',
  maxOutputChars: 1_000_000,
  async run({ path, startLine, endLine }, context) {
    const file = await readProjectFile(path, context);
    const all = splitLines(file.text);
    const totalLines = all.at(-1) === '' ? all.length - 1 : all.length;
    if (startLine > Math.max(1, totalLines)) {
      throw new DomainError(
        'VALIDATION',
        `startLine ${startLine} is behind the end of ${file.path}, which has ${totalLines} lines.`,
      );
    }
    const last = Math.max(startLine, Math.min(endLine ?? totalLines, startLine + maxLines - 1, totalLines));
    const { language, kind } = languageOf(file.path);
    const lines = all.slice(startLine - 1, last).map((line) => line.slice(0, maxLineChars));
    return {
      path: file.path,
      language,
      kind,
      startLine,
      endLine: startLine + lines.length - 1,
      totalLines,
      lines,
    };
  },
});

/**
 * Reads a text file of the project, wherever a symbolic link may point.
 * @returns its text and its real path relative to the project's root
 * @throws DomainError NOT_FOUND; FORBIDDEN for a path outside the project, a secret or a private folder; LIMIT_EXCEEDED over
 * 1 MiB; VALIDATION for a folder or a binary file
 */
export async function readProjectFile(
  path: string,
  context: Pick<ToolRun, 'project'>,
): Promise<{ path: string; text: string }> {
  if (!context.project)
    throw new DomainError('VALIDATION', 'No project is attached to this task, so there is no file to read.');
  if (path.includes('\0')) throw new DomainError('VALIDATION', 'The path holds a NUL character.');
  const root = await realpath(context.project.rootPath).catch((error: unknown) => {
    throw new DomainError(
      'UNAVAILABLE',
      `The project's folder ${context.project!.rootPath} cannot be read: ${messageOf(error)}`,
    );
  });
  const asked = inside(root, resolve(root, path), path);
  refuseProtected(asked);
  const real = await realpath(resolve(root, path)).catch(() => {
    throw new DomainError('NOT_FOUND', `There is no file ${path} in the project.`);
  });
  const own = inside(root, real, path);
  // The name asked for may be a harmless link to a secret.
  refuseProtected(own);
  // The path was resolved above; a link put there since then is not followed.
  const handle = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    (error: unknown) => {
      throw new DomainError('NOT_FOUND', `${path} cannot be read: ${messageOf(error)}`);
    },
  );
  try {
    return { path: own, text: await readText(handle, path) };
  } finally {
    await handle.close();
  }
}

async function readText(handle: FileHandle, path: string): Promise<string> {
  const stat = await handle.stat();
  if (!stat.isFile()) throw new DomainError('VALIDATION', `${path} is not a file.`);
  if (stat.size > maxFileBytes) {
    throw new DomainError(
      'LIMIT_EXCEEDED',
      `${path} has ${stat.size} bytes; at most ${maxFileBytes} are read.`,
    );
  }
  const bytes = await handle.readFile();
  if (isBinary(bytes)) throw new DomainError('VALIDATION', `${path} is a binary file.`);
  const text = new TextDecoder().decode(bytes);
  if (holdsPrivateKey(text))
    throw new DomainError('FORBIDDEN', `${path} holds a private key and is not read.`);
  return text;
}

function inside(root: string, target: string, asked: string): string {
  const own = relative(root, target);
  if (own === '..' || own.startsWith(`..${sep}`) || isAbsolute(own)) {
    throw new DomainError('FORBIDDEN', `${asked} is outside the project's folder ${root}.`);
  }
  return own.split(sep).join('/');
}

function refuseProtected(path: string): void {
  if (isSecretPath(path)) throw new DomainError('FORBIDDEN', `${path} may hold secrets and is not read.`);
  if (isPrivatePath(path))
    throw new DomainError('FORBIDDEN', `${path} belongs to version control or to the hive and is not read.`);
}

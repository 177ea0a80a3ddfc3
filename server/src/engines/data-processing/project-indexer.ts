import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import {
  deleteFiles,
  getIndexTotals,
  listFileHashes,
  saveFiles,
  type IndexedChunk,
  type IndexedFile,
} from '../../stores/project-index-store.ts';
import type { ProjectCounts } from '../../stores/project-store.ts';
import type { Sql } from '../../stores/sql.ts';
import { chunkDocument } from './chunk-document.ts';
import { summariseFile } from './file-summary.ts';
import { languageOf } from './languages.ts';
import { searchWords } from './search-words.ts';
import { holdsPrivateKey, isBinary, maxFileBytes } from './skipped-files.ts';
import { splitLines } from './source-unit.ts';
import { walkProject } from './walk-project.ts';

/** One thing done to what the hive remembers, for the topic `memory.operation`. */
export interface MemoryOperation {
  operation: 'index.start' | 'index.file' | 'index.remove' | 'index.done' | 'index.failed';
  projectId: string;
  path: string | null;
  detail: string;
}

export interface IndexOptions {
  sql: Sql;
  workspaceId: string;
  projectId: string;
  rootPath: string;
  signal: AbortSignal;
  /** After each batch. The caller throttles. */
  onProgress?(counts: ProjectCounts): Promise<void>;
  onOperation?(operation: MemoryOperation): void;
}

export interface IndexResult extends ProjectCounts {
  contentHash: string;
  changedCount: number;
  removedCount: number;
}

/** Files read at once; more only queue up in libuv's four threads. */
const readBatch = 32;
/** Rows a statement: enough to amortise the round trip, small enough to keep it under a few hundred ms. */
const maxBatchChunks = 400;
/** Files reported one by one; the rest only as a number: a first index must not flood whoever watches. */
const maxFileOperations = 200;
/** Longest stretch of our own work without letting the event loop turn. */
const sliceMs = 12;

interface Loaded {
  path: string;
  hash: string;
  text: string;
  bytes: number;
}

/**
 * Brings the index in line with the folder: new and changed files (by SHA-256) are cut and written, vanished ones are
 * removed, unchanged ones are only read. Safe to abort: each batch is one statement, and the next run goes on from there.
 */
export async function indexProject(options: IndexOptions): Promise<IndexResult> {
  const { sql, signal, projectId, rootPath } = options;
  const scope = { workspaceId: options.workspaceId, projectId };
  options.onOperation?.({ operation: 'index.start', projectId, path: null, detail: rootPath });
  const [walk, known] = await Promise.all([walkProject(rootPath, signal), listFileHashes(sql, scope)]);
  const counts = {
    fileCount: walk.paths.length,
    indexedFileCount: 0,
    skippedFileCount: walk.skippedCount,
    chunkCount: 0,
    byteCount: 0,
  };
  const writer = createWriter(options);
  const turn = createSlicer();
  const present = new Set<string>();
  for (let from = 0; from < walk.paths.length; from += readBatch) {
    signal.throwIfAborted();
    const batch = walk.paths.slice(from, from + readBatch);
    for (const file of await Promise.all(batch.map((path) => loadFile(rootPath, path)))) {
      if (!file) {
        counts.skippedFileCount += 1;
        counts.fileCount -= 1;
        continue;
      }
      present.add(file.path);
      counts.indexedFileCount += 1;
      counts.byteCount += file.bytes;
      if (known.get(file.path) !== file.hash) await writer.add(file, turn);
      await turn();
    }
    counts.chunkCount = writer.chunkCount();
    await options.onProgress?.({ ...counts });
  }
  await writer.flush();
  signal.throwIfAborted();
  const removed = [...known.keys()].filter((path) => !present.has(path));
  if (removed.length > 0) await deleteFiles(sql, scope, removed);
  for (const path of removed.slice(0, maxFileOperations))
    options.onOperation?.({ operation: 'index.remove', projectId, path, detail: 'file is gone' });
  const totals = await getIndexTotals(sql, scope);
  const changedCount = writer.fileCount();
  const detail = `${totals.fileCount} files, ${totals.chunkCount} parts; ${changedCount} changed, ${removed.length} removed`;
  options.onOperation?.({ operation: 'index.done', projectId, path: null, detail });
  return {
    ...counts,
    ...totals,
    indexedFileCount: totals.fileCount,
    changedCount,
    removedCount: removed.length,
  };
}

/** Undefined for what must not be indexed: too large, binary, a private key, or gone meanwhile. */
async function loadFile(root: string, path: string): Promise<Loaded | undefined> {
  try {
    const handle = await open(join(root, path), 'r');
    try {
      const { size } = await handle.stat();
      if (size > maxFileBytes) return undefined;
      const bytes = await handle.readFile();
      if (bytes.length > maxFileBytes || isBinary(bytes)) return undefined;
      const text = new TextDecoder().decode(bytes);
      if (holdsPrivateKey(text)) return undefined;
      return { path, text, bytes: bytes.length, hash: createHash('sha256').update(bytes).digest('hex') };
    } finally {
      await handle.close();
    }
  } catch {
    return undefined;
  }
}

function createWriter(options: IndexOptions) {
  const { sql, projectId, signal } = options;
  const scope = { workspaceId: options.workspaceId, projectId };
  let files: IndexedFile[] = [];
  let chunks: IndexedChunk[] = [];
  let written = { files: 0, chunks: 0 };
  let reported = 0;
  const flush = async () => {
    if (files.length === 0) return;
    signal.throwIfAborted();
    const batch = { files, chunks };
    files = [];
    chunks = [];
    await saveFiles(sql, scope, batch.files, batch.chunks);
    written = { files: written.files + batch.files.length, chunks: written.chunks + batch.chunks.length };
    for (const { path, lineCount } of batch.files.slice(0, Math.max(0, maxFileOperations - reported))) {
      reported += 1;
      options.onOperation?.({ operation: 'index.file', projectId, path, detail: `${lineCount} lines` });
    }
  };
  return {
    flush,
    fileCount: () => written.files + files.length,
    chunkCount: () => written.chunks + chunks.length,
    async add(file: Loaded, turn: () => Promise<void>) {
      const { language, kind } = languageOf(file.path);
      const lines = splitLines(file.text);
      await turn();
      const summary = summariseFile(file.path, kind, lines) ?? null;
      await turn();
      for (const chunk of chunkDocument(lines, kind)) {
        const titleWords = searchWords(`${file.path} ${chunk.title}`);
        chunks.push({ ...chunk, path: file.path, titleWords, bodyWords: searchWords(chunk.content) });
        await turn();
      }
      const lineCount = lines.at(-1) === '' ? lines.length - 1 : lines.length;
      files.push({
        path: file.path,
        contentHash: file.hash,
        byteCount: file.bytes,
        lineCount,
        language,
        kind,
        summary,
      });
      if (chunks.length >= maxBatchChunks) await flush();
    },
  };
}

/** Lets the event loop turn whenever a slice of work is used up; nearly free otherwise. */
function createSlicer(): () => Promise<void> {
  let began = performance.now();
  return async () => {
    if (performance.now() - began < sliceMs) return;
    await new Promise<void>((resolve) => setImmediate(resolve));
    began = performance.now();
  };
}

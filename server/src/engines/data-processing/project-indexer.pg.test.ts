import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../../tests/support/database.ts';
import {
  listFileHashes,
  listOutlineRows,
  searchChunks,
  type ProjectScope,
} from '../../stores/project-index-store.ts';
import { insertProject } from '../../stores/project-store.ts';
import { sqlOfPool, type Sql } from '../../stores/sql.ts';
import { createProjectFixture, type ProjectFixture } from './project-fixture.ts';
import { indexProject, type IndexResult, type MemoryOperation } from './project-indexer.ts';
import { queryTerms, termParts } from './search-words.ts';

let database: TestDatabase;
let fixture: ProjectFixture;
let sql: Sql;
let scope: ProjectScope;
const operations: MemoryOperation[] = [];

beforeAll(async () => {
  database = await createTestDatabase();
  fixture = createProjectFixture();
  sql = sqlOfPool(database.systemPool);
  const project = await insertProject(sql, {
    workspaceId: database.workspaceId,
    name: 'shop',
    rootPath: fixture.root,
  });
  scope = { workspaceId: database.workspaceId, projectId: project!.id };
});
afterAll(async () => {
  fixture.remove();
  await database.drop();
});

function index(signal = new AbortController().signal): Promise<IndexResult> {
  operations.length = 0;
  return indexProject({
    sql,
    ...scope,
    rootPath: fixture.root,
    signal,
    onOperation: (operation) => void operations.push(operation),
  });
}

async function search(query: string) {
  const hits = await searchChunks(sql, scope, {
    text: queryTerms(query).join(' ') || query,
    anyOf: termParts(query),
    limit: 10,
  });
  return hits.map(({ path }) => path);
}

describe('indexing', () => {
  it('writes every file worth reading with its parts, and no secret', async () => {
    const result = await index();
    expect(result).toMatchObject({
      fileCount: 6,
      indexedFileCount: 6,
      skippedFileCount: 1,
      changedCount: 6,
      removedCount: 0,
    });
    expect([...(await listFileHashes(sql, scope)).keys()].sort()).toEqual([
      'README.md',
      'docs/refunds.md',
      'package.json',
      'src/clock.ts',
      'src/order-book.ts',
      'src/telephone.ts',
    ]);
    expect(operations.map(({ operation }) => operation)).toEqual([
      'index.start',
      ...Array<string>(6).fill('index.file'),
      'index.done',
    ]);
  });

  it('remembers what each file says about itself, literally', async () => {
    const rows = await listOutlineRows(sql, scope, null);
    const said = Object.fromEntries(rows.map(({ path, summary }) => [path, summary?.text]));
    expect(said).toMatchObject({
      'README.md': 'The shop sells tea over the counter and by post.',
      'package.json': 'Sells tea over the counter and by post.',
      'src/clock.ts': 'The hour of the shop, in its own time zone.',
    });
  });

  it('finds identifiers by their parts, and words in other forms', async () => {
    expect((await search('where are orders appended'))[0]).toBe('src/order-book.ts');
    expect(await search('appendOrder')).toEqual(
      expect.arrayContaining(['src/order-book.ts', 'src/telephone.ts']),
    );
    expect((await search('refunding'))[0]).toBe('docs/refunds.md');
  });

  it('never fails on what a person types', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.constantFrom("' or 1=1 --", '"open', '& | ! <->', ':*', '\\', '\0', 'or or or', '-'.repeat(50)),
        ),
        async (text) => {
          await searchChunks(sql, scope, { text, anyOf: [...termParts(text), text.slice(0, 50)], limit: 3 });
        },
      ),
      { numRuns: 60 },
    );
  });

  it('does nothing twice, writes what changed and removes what is gone', async () => {
    const before = await index();
    expect(before).toMatchObject({ changedCount: 0, removedCount: 0 });
    writeFileSync(
      join(fixture.root, 'src/clock.ts'),
      '/** Tells the hour with a sundial. */\nexport const clock = () => 0;\n',
    );
    rmSync(join(fixture.root, 'docs/refunds.md'));
    const after = await index();
    expect(after).toMatchObject({ changedCount: 1, removedCount: 1, fileCount: 5 });
    expect(after.contentHash).not.toBe(before.contentHash);
    expect(
      operations
        .filter(({ operation }) => operation !== 'index.start')
        .map(({ operation, path }) => [operation, path]),
    ).toEqual([
      ['index.file', 'src/clock.ts'],
      ['index.remove', 'docs/refunds.md'],
      ['index.done', null],
    ]);
    expect(await search('sundial')).toEqual(['src/clock.ts']);
    expect(await search('time zone hour')).not.toContain('docs/refunds.md');
  });

  it('leaves out binaries, large files and pasted private keys', async () => {
    fixture.write({
      'a.bin': 'x\0y',
      'large.md': 'word '.repeat(300_000),
      'notes.md': '-----BEGIN PRIVATE KEY-----\nabc\n-----END PRIVATE KEY-----\n',
    });
    expect(await index()).toMatchObject({ fileCount: 5, skippedFileCount: 4 });
  });

  it('stops when aborted and goes on next time', async () => {
    fixture.write(
      Object.fromEntries(
        Array.from({ length: 80 }, (_, number) => [
          `many/file-${number}.md`,
          `# File ${number}\n\nIt is about number ${number}.\n`,
        ]),
      ),
    );
    const stop = new AbortController();
    const aborted = indexProject({
      sql,
      ...scope,
      rootPath: fixture.root,
      signal: stop.signal,
      onProgress: () => Promise.resolve(stop.abort(new Error('stop here'))),
    });
    await expect(aborted).rejects.toThrow('stop here');
    expect(await index()).toMatchObject({ fileCount: 85 });
  });
});

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { citationCheck } from './citation-check.ts';
import { documentRead } from './document-read.ts';
import { createToolRegistry, type ToolResult } from './tool.ts';

let folder: string;
let root: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hive-read-'));
  root = join(folder, 'project');
  mkdirSync(join(root, 'src'), { recursive: true });
  mkdirSync(join(root, '.git'));
  writeFileSync(join(folder, 'outside.txt'), 'secret of the neighbour');
  writeFileSync(join(root, 'src/a.ts'), 'one\r\ntwo\nthree\n');
  writeFileSync(join(root, '.git/config'), 'token');
  writeFileSync(join(root, '.env'), 'KEY=1');
  writeFileSync(join(root, '.env.example'), 'KEY=');
  writeFileSync(join(root, 'id_rsa'), 'x');
  writeFileSync(join(root, 'notes.txt'), '-----BEGIN RSA PRIVATE KEY-----\nabc\n');
  writeFileSync(join(root, 'image.dat'), Buffer.from([1, 0, 2]));
  writeFileSync(join(root, 'large.txt'), 'x'.repeat(1024 * 1024 + 1));
  symlinkSync(join(folder, 'outside.txt'), join(root, 'escape.txt'));
  symlinkSync(folder, join(root, 'up'));
  symlinkSync(join(root, '.env'), join(root, 'harmless.txt'));
  symlinkSync(join(root, 'src/a.ts'), join(root, 'link.ts'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function call(input: unknown, name = 'document.read'): Promise<ToolResult> {
  const registry = createToolRegistry([documentRead, citationCheck]);
  const project = { id: 'p', name: 'p', rootPath: root };
  return registry.call(name, input, {
    workspaceId: 'w',
    project,
    signal: new AbortController().signal,
    note: () => undefined,
  });
}

describe('document.read', () => {
  it('returns the lines asked for, whatever ends them', async () => {
    expect(await call({ path: 'src/a.ts', startLine: 2, endLine: 3 })).toMatchObject({
      ok: true,
      output: {
        path: 'src/a.ts',
        language: 'TypeScript',
        kind: 'CODE',
        startLine: 2,
        endLine: 3,
        totalLines: 3,
        lines: ['two', 'three'],
      },
    });
  });

  it('names the real file behind a link inside the project', async () => {
    expect(await call({ path: 'link.ts' })).toMatchObject({ ok: true, output: { path: 'src/a.ts' } });
  });

  it('reads a committed example of a secrets file', async () => {
    expect(await call({ path: '.env.example' })).toMatchObject({ ok: true });
  });

  it.each([
    ['../outside.txt', 'FORBIDDEN'],
    ['src/../../outside.txt', 'FORBIDDEN'],
    ['/etc/passwd', 'FORBIDDEN'],
    ['escape.txt', 'FORBIDDEN'],
    ['up/outside.txt', 'FORBIDDEN'],
    ['.env', 'FORBIDDEN'],
    ['harmless.txt', 'FORBIDDEN'],
    ['id_rsa', 'FORBIDDEN'],
    ['notes.txt', 'FORBIDDEN'],
    ['.git/config', 'FORBIDDEN'],
    ['image.dat', 'VALIDATION'],
    ['src', 'VALIDATION'],
    ['large.txt', 'LIMIT_EXCEEDED'],
    ['missing.ts', 'NOT_FOUND'],
    ['a\0b', 'VALIDATION'],
    ['', 'VALIDATION'],
  ])('refuses %j', async (path, code) => {
    expect(await call({ path })).toMatchObject({ ok: false, code });
  });

  it.each([{ path: 'src/a.ts', startLine: 0 }, { path: 'src/a.ts', startLine: 99 }, { path: 7 }, {}, null])(
    'refuses the input %j',
    async (input) => {
      expect(await call(input)).toMatchObject({ ok: false, code: 'VALIDATION' });
    },
  );

  it('answers an unknown tool with the ones there are', async () => {
    expect(await call({}, 'shell.run')).toMatchObject({
      ok: false,
      code: 'NOT_FOUND',
      message: expect.stringContaining('document.read'),
    });
  });
});

describe('citation.check', () => {
  it('keeps a right quote, corrects the lines of a moved one and reports a false one', async () => {
    const cite = (marker: number, path: string, line: number, quote: string) => ({
      marker,
      path,
      startLine: line,
      endLine: line,
      quote,
    });
    const citations = [
      cite(1, 'src/a.ts', 2, 'two'),
      cite(2, 'src/a.ts', 1, 'three'),
      cite(3, 'src/a.ts', 1, 'four'),
      cite(4, 'gone.ts', 1, 'x'),
      cite(5, '../outside.txt', 1, 'secret'),
    ];
    expect(await call({ citations }, 'citation.check')).toEqual({
      ok: true,
      output: {
        results: [
          { marker: 1, found: true, startLine: 2, endLine: 2 },
          { marker: 2, found: true, startLine: 3, endLine: 3 },
          { marker: 3, found: false, reason: 'the quote is not in the file' },
          { marker: 4, found: false, reason: expect.stringContaining('gone.ts') },
          { marker: 5, found: false, reason: expect.stringContaining('outside') },
        ],
      },
    });
  });
});

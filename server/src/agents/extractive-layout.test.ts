import { describe, expect, it } from 'vitest';
import { buildOutline } from '../engines/data-processing/project-outline.ts';
import type { DocumentRead } from '../tools/document-read.ts';
import { mentionOf, renderLayout } from './extractive-layout.ts';

function document(...lines: string[]): DocumentRead {
  return {
    path: 'README.md',
    language: 'Markdown',
    kind: 'PROSE',
    startLine: 1,
    endLine: lines.length,
    totalLines: lines.length,
    lines,
  };
}

const row = (path: string, said?: string, lineCount = 10) => ({
  path,
  language: path.endsWith('.md') ? 'Markdown' : 'TypeScript',
  kind: path.endsWith('.md') ? 'PROSE' : 'CODE',
  lineCount,
  byteCount: 100,
  summary: said === undefined ? null : { text: said, quote: said, startLine: 2, endLine: 2 },
});

describe('what a document says about a folder', () => {
  it.each([
    ['- `server/src/`: the whole server', 'the whole server'],
    ['| server/src | the whole server |', 'the whole server'],
    ['server/src/     the whole server', 'the whole server'],
    ['├── src/  # the whole server', 'the whole server'],
    ['* **server/src** — the whole server', 'the whole server'],
    ['- [server/src](./server/src): the whole server', 'the whole server'],
  ])('is found in %j', (line, text) => {
    expect(mentionOf('server/src', [document('# Title', line)])).toEqual({
      path: 'README.md',
      text,
      quote: line,
      startLine: 2,
      endLine: 2,
    });
  });

  it.each([
    'Put it in server/src and run.',
    'server/srcs/: other things here',
    'src',
    '- src/: x',
    'source: of the thing',
  ])('is not read into %j', (line) => {
    expect(mentionOf('server/src', [document(line)])).toBeUndefined();
  });
});

describe('layout', () => {
  it('shows folders as a tree with counts and a cited line each, a README before any other file', () => {
    const rows = [
      row('README.md', 'Sells tea.'),
      row('src/index.ts', 'Starts the shop.'),
      row('src/tea/README.md', 'All about tea.'),
      row('src/tea/leaf.ts', 'One leaf.', 900),
      row('docs/a.ts'),
    ];
    const { text, citations } = renderLayout('shop', buildOutline(rows, 40), []);
    expect(text.split('\n')).toEqual([
      'Sells tea. [1]',
      '',
      'shop has 5 indexed files with 940 lines: 3 TypeScript, 2 Markdown.',
      '',
      '- `docs/` (1 file, TypeScript)',
      '- `src/` (3 files, mostly TypeScript): `index.ts`: Starts the shop. [2]',
      '  - `src/tea/` (2 files, mostly Markdown): All about tea. [3]',
    ]);
    expect(citations.map(({ marker, path }) => [marker, path])).toEqual([
      [1, 'README.md'],
      [2, 'src/index.ts'],
      [3, 'src/tea/README.md'],
    ]);
  });

  it('says so when nothing is indexed', () => {
    expect(renderLayout('shop', buildOutline([], 40), []).text).toBe('shop has no indexed files.');
  });
});

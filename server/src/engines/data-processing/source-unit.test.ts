import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chunkDocument } from './chunk-document.ts';
import { summariseFile } from './file-summary.ts';
import type { FileKind } from './languages.ts';
import { sourceUnits, splitLines } from './source-unit.ts';

const units = (kind: FileKind, text: string) => sourceUnits(kind, splitLines(text), 1);

describe('prose units', () => {
  it('are sentences with their lines, across line ends and inside lists and tables', () => {
    const text =
      '# Title\n\nFirst sentence here. The second one\ngoes on below.\n\n- [ ] An item with *words*.\n\n| a | b |\n|---|---|\n| lib | holds the clock |\n';
    expect(
      units('PROSE', text).map(({ text: said, startLine, endLine }) => [said, startLine, endLine]),
    ).toEqual([
      ['First sentence here.', 3, 3],
      ['The second one goes on below.', 3, 4],
      ['An item with *words*.', 6, 6],
      ['lib: holds the clock', 10, 10],
    ]);
  });
  it('leave out code, badges, front matter and directives', () => {
    const text =
      '---\nname: some front matter here\n---\n\n[![build is passing](x)](y)\n\n```\nnot this sentence here.\n```\n\n.. image:: file\n   :alt: some words here\n\nBut this one stays.';
    expect(units('PROSE', text).map((unit) => unit.text)).toEqual(['But this one stays.']);
  });
  it('do not end at an abbreviation', () => {
    expect(units('PROSE', 'It uses e.g. PostgreSQL for that.').map((unit) => unit.text)).toEqual([
      'It uses e.g. PostgreSQL for that.',
    ]);
  });
});

describe('code units', () => {
  it('join a declaration with the comment above it', () => {
    const [unit] = units(
      'CODE',
      '/**\n * Writes event rows.\n * @param sql where\n */\nexport async function appendEvents(\n  sql: Sql,\n  events: readonly Event[],\n): Promise<void> {\n}\n',
    );
    expect(unit).toMatchObject({
      kind: 'DECLARATION',
      symbol: 'appendEvents',
      exported: true,
      text: 'Writes event rows.',
      signature: 'async function appendEvents(sql: Sql, events: readonly Event[]): Promise<void>',
      quote: 'Writes event rows.',
      startLine: 2,
      endLine: 5,
    });
  });
  it.each([
    ['Python', 'class Reader(Base):\n    """Reads the whole log."""\n', 'Reader'],
    ['Go', '// Use adds middleware here.\nfunc (g *Group) Use(m ...Handler) Routes {\n', 'Use'],
    ['Rust', '/// Parses one whole line.\npub fn parse(line: &str) -> Line {\n', 'parse'],
    ['Java', '/** Keeps the open orders. */\npublic class OrderBook {\n', 'OrderBook'],
    ['SQL', '-- every change is a row\ncreate table event (\n  id int\n);\n', 'event'],
    ['C', '/* Opens the given file. */\nint open_file(const char *path) {\n', 'open_file'],
  ])('know %s', (_, text, symbol) => {
    expect(units('CODE', text)[0]).toMatchObject({
      kind: 'DECLARATION',
      symbol,
      text: expect.stringMatching(/\w+ \w+ \w+/),
    });
  });
  it('do not take the end of a string for the start of a docstring', () => {
    const text =
      'QUERY = """\nselect something from somewhere\n"""\n\ndef run():\n    """Runs the whole query."""\n';
    expect(units('CODE', text).map((unit) => unit.text)).toEqual(['Runs the whole query.']);
  });
});

const line = fc.constantFrom(
  '',
  '# Heading',
  'A sentence that ends. And one that',
  '  continues here.',
  '- item one of it',
  '```',
  '| a b c | d e f |',
  '/**',
  ' * Says what it does.',
  ' */',
  'export function run(a: string) {',
  '}',
  '// a remark about this',
  '"""',
  'def go():',
  '    x = 1',
  '\tinsert into event',
  '.. note::',
  '---',
  'x'.repeat(900),
);
const documents = fc.array(line, { maxLength: 120 });
const kinds = fc.constantFrom<FileKind>('CODE', 'PROSE', 'CONFIG');

describe('whatever the file', () => {
  it('every quote stands literally in its lines', () => {
    fc.assert(
      fc.property(documents, kinds, (lines, kind) => {
        for (const unit of sourceUnits(kind, lines, 1)) {
          expect(unit.quote).not.toBe('');
          expect(lines.slice(unit.startLine - 1, unit.endLine).join('\n')).toContain(unit.quote);
        }
        const summary = summariseFile('a/b.ts', kind, lines);
        if (summary)
          expect(lines.slice(summary.startLine - 1, summary.endLine).join('\n')).toContain(summary.quote);
      }),
    );
  });
  it('parts do not overlap, lose no line that holds something, and hold their lines', () => {
    fc.assert(
      fc.property(documents, kinds, (lines, kind) => {
        const chunks = chunkDocument(lines, kind);
        const covered = new Set<number>();
        let last = 0;
        for (const { startLine, endLine, content } of chunks) {
          expect(startLine).toBeGreaterThan(last);
          last = endLine;
          for (let number = startLine; number <= endLine; number += 1) covered.add(number);
          expect(
            lines
              .slice(startLine - 1, endLine)
              .join('\n')
              .startsWith(content),
          ).toBe(true);
        }
        lines.forEach((text, index) => expect(text.trim() === '' || covered.has(index + 1)).toBe(true));
      }),
    );
  });
});

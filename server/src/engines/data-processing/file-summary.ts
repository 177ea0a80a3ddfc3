import { basename, extname } from 'node:path';
import type { FileKind } from './languages.ts';
import { sourceUnits } from './source-unit.ts';

/** What a file says about itself, literally. */
export interface FileSummary {
  text: string;
  quote: string;
  startLine: number;
  endLine: number;
}

/** Only the beginning is looked at: what a file is about is said at its top. */
const maxLinesRead = 400;

const manifests: Record<string, RegExp> = {
  'package.json': /^\s*"description"\s*:\s*"((?:[^"\\]|\\.)+)"/,
  'composer.json': /^\s*"description"\s*:\s*"((?:[^"\\]|\\.)+)"/,
  'cargo.toml': /^\s*description\s*=\s*"((?:[^"\\]|\\.)+)"/,
  'pyproject.toml': /^\s*description\s*=\s*"((?:[^"\\]|\\.)+)"/,
  'pubspec.yaml': /^description:\s*(.+)$/,
};

/** The sentence that says best what a file is: its first paragraph, top comment, main declaration or description. */
export function summariseFile(
  path: string,
  kind: FileKind,
  lines: readonly string[],
): FileSummary | undefined {
  const head = lines.slice(0, maxLinesRead);
  const manifest = manifests[basename(path).toLowerCase()];
  if (manifest) return manifestSummary(head, manifest);
  const units = sourceUnits(kind, head, 1);
  if (kind === 'PROSE') return pick(units.find((unit) => unit.text.length >= 20));
  const stem = plain(basename(path, extname(path)));
  const declared = units.filter((unit) => unit.kind === 'DECLARATION');
  const documented = declared.filter((unit) => unit.text !== '');
  return pick(
    units.find((unit) => unit.top) ??
      documented.find((unit) => plain(unit.symbol ?? '') === stem) ??
      documented.find((unit) => unit.exported) ??
      documented.find((unit) =>
        /^(?:pub )?(?:class|struct|type|interface|trait)\b/.test(unit.signature ?? ''),
      ) ??
      documented[0] ??
      declared.find((unit) => unit.exported),
  );
}

function manifestSummary(lines: readonly string[], pattern: RegExp): FileSummary | undefined {
  for (const [index, line] of lines.entries()) {
    const text = pattern.exec(line)?.[1];
    if (text) return { text, quote: line.trim().slice(0, 400), startLine: index + 1, endLine: index + 1 };
  }
  return undefined;
}

function pick(unit: ReturnType<typeof sourceUnits>[number] | undefined): FileSummary | undefined {
  if (!unit) return undefined;
  const text = unit.text === '' ? `declares \`${unit.signature ?? unit.symbol ?? ''}\`` : unit.text;
  return { text: text.slice(0, 400), quote: unit.quote, startLine: unit.startLine, endLine: unit.endLine };
}

function plain(name: string): string {
  return name.replace(/[^\p{L}\p{N}]/gu, '').toLowerCase();
}

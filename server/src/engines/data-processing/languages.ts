import { basename, extname } from 'node:path';

export type FileKind = 'CODE' | 'PROSE' | 'CONFIG';

export interface FileLanguage {
  /** For people, for example `TypeScript`. */
  language: string;
  kind: FileKind;
}

const code: Record<string, string> = {
  TypeScript: 'ts tsx mts cts',
  JavaScript: 'js jsx mjs cjs',
  Python: 'py pyi',
  Go: 'go',
  Rust: 'rs',
  Java: 'java',
  Kotlin: 'kt kts',
  Swift: 'swift',
  C: 'c h',
  'C++': 'cc cpp cxx hpp hh',
  'C#': 'cs',
  Ruby: 'rb rake',
  PHP: 'php',
  Scala: 'scala',
  Elixir: 'ex exs',
  Erlang: 'erl',
  Haskell: 'hs',
  Lua: 'lua',
  Dart: 'dart',
  Zig: 'zig',
  Shell: 'sh bash zsh fish',
  PowerShell: 'ps1',
  SQL: 'sql',
  GraphQL: 'graphql gql',
  'Protocol Buffers': 'proto',
  HTML: 'html htm',
  CSS: 'css scss less',
  Vue: 'vue',
  Svelte: 'svelte',
  R: 'r',
  Perl: 'pl pm',
};
const prose: Record<string, string> = {
  Markdown: 'md mdx markdown',
  reStructuredText: 'rst',
  AsciiDoc: 'adoc asciidoc',
  Text: 'txt',
};
const config: Record<string, string> = {
  JSON: 'json jsonc json5 webmanifest',
  YAML: 'yaml yml',
  TOML: 'toml',
  INI: 'ini cfg conf properties',
  XML: 'xml',
  CSV: 'csv tsv',
  Nix: 'nix',
  Terraform: 'tf',
};

const byExtension = new Map<string, FileLanguage>();
for (const [kind, table] of [
  ['CODE', code],
  ['PROSE', prose],
  ['CONFIG', config],
] as const) {
  for (const [language, extensions] of Object.entries(table)) {
    for (const extension of extensions.split(' ')) byExtension.set(`.${extension}`, { language, kind });
  }
}

const byName = new Map<string, FileLanguage>([
  ['dockerfile', { language: 'Dockerfile', kind: 'CONFIG' }],
  ['makefile', { language: 'Makefile', kind: 'CODE' }],
  ['readme', { language: 'Text', kind: 'PROSE' }],
  ['license', { language: 'Text', kind: 'PROSE' }],
  ['licence', { language: 'Text', kind: 'PROSE' }],
  ['changelog', { language: 'Text', kind: 'PROSE' }],
  ['contributing', { language: 'Text', kind: 'PROSE' }],
  ['authors', { language: 'Text', kind: 'PROSE' }],
]);

/** Language and kind by file name alone. Unknown text counts as configuration: searched, but never summarised as prose. */
export function languageOf(path: string): FileLanguage {
  const name = basename(path).toLowerCase();
  return byExtension.get(extname(name)) ?? byName.get(name) ?? { language: 'Other', kind: 'CONFIG' };
}

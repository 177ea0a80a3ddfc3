export interface Declaration {
  symbol: string;
  exported: boolean;
  /** Cleaned first line (or lines, until the parentheses close), at most 160 characters. */
  signature: string;
}

interface Pattern {
  /** Named groups: `symbol`, and optionally `exported`. */
  test: RegExp;
  /** Deepest indentation at which it counts as a declaration and not as a local. */
  maxIndent: number;
}

const patterns: Pattern[] = [
  // JavaScript and TypeScript
  {
    test: /^(?<exported>export\s+)?(?:default\s+)?(?:declare\s+)?(?:abstract\s+)?(?:async\s+)?(?:function\*?|class|interface|enum|namespace)\s+(?<symbol>[\w$]+)/,
    maxIndent: 0,
  },
  { test: /^(?<exported>export\s+)?(?:declare\s+)?type\s+(?<symbol>[\w$]+)(?:<[^=]*>)?\s*=/, maxIndent: 0 },
  { test: /^(?<exported>export\s+)?(?:declare\s+)?(?:const|let|var)\s+(?<symbol>[\w$]+)/, maxIndent: 0 },
  // Python, Ruby, Elixir
  {
    test: /^\s*(?:async\s+)?(?:def|class|module|defmodule|defp?|defmacro)\s+(?<symbol>[\w.!?]+)/,
    maxIndent: 4,
  },
  // Go
  { test: /^func\s+(?:\([^)]*\)\s*)?(?<symbol>\w+)/, maxIndent: 0 },
  { test: /^type\s+(?<symbol>\w+)\s+(?:struct|interface|func|map|\[|\w)/, maxIndent: 0 },
  // Rust
  {
    test: /^\s*(?<exported>pub(?:\([^)]*\))?\s+)?(?:default\s+|async\s+|unsafe\s+|const\s+|extern\s+(?:"[^"]*"\s+)?)*(?:fn|struct|enum|trait|mod|union|macro_rules!)\s+(?<symbol>\w+)/,
    maxIndent: 4,
  },
  // Java, Kotlin, C#, Swift, Scala, PHP, Dart
  {
    test: /^\s*(?<exported>public\s+|open\s+|internal\s+)?(?:(?:private|protected|static|final|abstract|override|data|sealed|suspend|partial|readonly|inline)\s+)*(?:class|interface|enum|record|struct|trait|object|fun|func|function|protocol|extension|namespace)\s+(?<symbol>[\w.]+)/,
    maxIndent: 8,
  },
  {
    test: /^\s*(?<exported>public\s+)(?:(?:static|final|abstract|override|virtual|async|synchronized)\s+)*[\w<>[\],.?]+\s+(?<symbol>\w+)\s*\(/,
    maxIndent: 8,
  },
  // C and C++
  {
    test: /^(?:static\s+|inline\s+|extern\s+|const\s+|unsigned\s+|struct\s+)*[A-Za-z_]\w*[\s*&]+(?<symbol>\w+)\s*\([^;]*\)\s*\{?\s*$/,
    maxIndent: 0,
  },
  { test: /^#define\s+(?<symbol>\w+)/, maxIndent: 0 },
  // SQL, also inside another language's string
  {
    test: /^\s*create\s+(?:or\s+replace\s+)?(?:unique\s+|temporary\s+|materialized\s+)?(?:table|view|function|trigger|index|type)\s+(?:if\s+not\s+exists\s+)?(?<symbol>[\w."]+)/i,
    maxIndent: 4,
  },
  // GraphQL, Protocol Buffers
  {
    test: /^(?:extend\s+)?(?:type|input|interface|enum|union|scalar|directive|message|service)\s+(?<symbol>@?\w+)/,
    maxIndent: 0,
  },
];

const notSymbols = new Set([
  'if',
  'for',
  'while',
  'switch',
  'return',
  'else',
  'catch',
  'new',
  'throw',
  'await',
  'in',
  'of',
]);

/** The declaration that begins on this line, if one does. */
export function declarationAt(lines: readonly string[], index: number): Declaration | undefined {
  const line = lines[index]!;
  if (line.length > 1_000) return undefined;
  const indent = line.length - line.trimStart().length;
  if (indent > 8 || line.trim() === '') return undefined;
  for (const { test, maxIndent } of patterns) {
    if (indent > maxIndent) continue;
    const groups = test.exec(line)?.groups;
    const symbol = groups?.['symbol'];
    if (!symbol || notSymbols.has(symbol)) continue;
    return { symbol, exported: groups?.['exported'] !== undefined, signature: signatureAt(lines, index) };
  }
  return undefined;
}

function signatureAt(lines: readonly string[], index: number): string {
  let text = lines[index]!.trim();
  if (/^create\s/i.test(text)) return text.replace(/\s*[(;].*$/, '');
  for (let more = 1; more <= 6 && depth(text) > 0 && index + more < lines.length; more += 1) {
    text += ` ${lines[index + more]!.trim()}`;
    if (text.length > 400) break;
  }
  text = text
    .replace(/\s+/g, ' ')
    .replace(/\( /g, '(')
    .replace(/,? \)/g, ')')
    .replace(/(?:\s*(?:\{|\[|=>|=|:|\())+\s*$/, '')
    .replace(/^export (?:default )?/, '')
    .replace(/(\)(?:: [^={]+)?)\s*(?:\{|=>).*$/, '$1')
    .replace(/\s*=\s*(?!>).{60,}$/, '')
    .replaceAll('`', "'");
  return text.length > 160 ? `${text.slice(0, 157)}…` : text;
}

function depth(text: string): number {
  let open = 0;
  for (const character of text) {
    if (character === '(') open += 1;
    else if (character === ')') open -= 1;
  }
  return open;
}

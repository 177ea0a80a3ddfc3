import { resolve } from 'node:path';
import type { z } from 'zod';
import { findHalfSet } from './check-together.ts';
import { configSchema, settings, type HiveConfig, type Setting } from './schema.ts';
import { getAt, isPlainObject } from './values-at.ts';

export interface ConfigFile {
  path: string;
  text: string;
}

export interface ConfigSources {
  env: Readonly<Record<string, string | undefined>>;
  file?: ConfigFile | undefined;
  /** Relative paths are taken from here. */
  cwd: string;
}

/** Every setting that is wrong, one line each, safe to print. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `The configuration has ${problems.length === 1 ? 'an error' : `${problems.length} errors`}:\n${problems.map((line) => `  - ${line}`).join('\n')}`,
    );
    this.name = 'ConfigError';
    this.problems = problems;
  }
}

/**
 * Defaults, overlaid by the file, overlaid by the environment. Paths are absolute afterwards.
 * @throws ConfigError with all errors at once
 */
export function parseConfig(sources: ConfigSources): HiveConfig {
  const problems: string[] = [];
  const values = readFile(sources.file, problems);
  const fromEnv = new Set<string>();
  for (const setting of settings) {
    const text = sources.env[setting.env];
    // An empty variable is how shells and compose files say "not set".
    if (text === undefined || text.trim() === '') continue;
    setAt(values, setting.path, fromText(setting, text.trim()));
    fromEnv.add(setting.path.join('.'));
  }
  const parsed = configSchema.safeParse(values);
  if (!parsed.success) problems.push(...describeIssues(parsed.error.issues, values, fromEnv, sources));
  problems.push(...findHalfSet(values));
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  return deepFreeze(withAbsolutePaths(parsed.data, sources.cwd));
}

function withAbsolutePaths(
  config: z.output<typeof configSchema>,
  cwd: string,
): z.output<typeof configSchema> {
  const { server, security } = config;
  return {
    ...config,
    dataDir: resolve(cwd, config.dataDir),
    server: {
      ...server,
      ...(server.tlsCert === undefined ? {} : { tlsCert: resolve(cwd, server.tlsCert) }),
      ...(server.tlsKey === undefined ? {} : { tlsKey: resolve(cwd, server.tlsKey) }),
    },
    security: {
      ...security,
      ...(security.documentsFile === undefined
        ? {}
        : { documentsFile: resolve(cwd, security.documentsFile) }),
    },
  };
}

/** Variables that look like a misspelt setting; not errors, since other programs may use the prefix. */
export function suspectEnvironment(env: ConfigSources['env']): string[] {
  const names = settings.map((setting) => setting.env);
  return Object.keys(env)
    .filter((name) => name.startsWith('HIVE_') && !names.includes(name))
    .flatMap((name) => {
      const meant = closest(name, names);
      return meant ? [`${name} is not a setting; did you mean ${meant}?`] : [];
    });
}

function readFile(file: ConfigFile | undefined, problems: string[]): Record<string, unknown> {
  if (!file) return {};
  try {
    const value: unknown = JSON.parse(file.text.replace(/^\uFEFF/, ''));
    if (isPlainObject(value)) return value;
    problems.push(`${file.path} must hold a JSON object, for example { "server": { "port": 4000 } }.`);
  } catch (error) {
    // Of the engine's message only the place: it quotes the text around it, which may hold a key.
    const place = error instanceof Error ? /line \d+ column \d+/.exec(error.message)?.[0] : undefined;
    problems.push(`${file.path} is not valid JSON${place ? ` (${place})` : ''}.`);
  }
  return {};
}

function fromText(setting: Setting, text: string): unknown {
  if (setting.kind === 'number') return /^[+-]?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  const parts = text.split(',').map((part) => part.trim());
  if (setting.kind === 'list') return parts.filter((part) => part !== '');
  if (setting.kind === 'text') return text;
  const pairs = parts.map((part) => /^([^=]+)=(.+)$/.exec(part));
  return pairs.every((pair) => pair !== null)
    ? Object.fromEntries(pairs.map((pair) => [pair[1]!.trim(), pair[2]!.trim()]))
    : text;
}

function describeIssues(
  issues: readonly z.core.$ZodIssue[],
  values: Record<string, unknown>,
  fromEnv: ReadonlySet<string>,
  { file }: ConfigSources,
): string[] {
  const lines = new Set<string>();
  for (const issue of issues) {
    const path = issue.path.map(String);
    const setting = settings.find((candidate) => candidate.path.every((key, index) => path[index] === key));
    if (setting) {
      const name = setting.path.join('.');
      const source = fromEnv.has(name) ? `${setting.env} (environment)` : `${name} (${file?.path ?? 'file'})`;
      lines.add(
        `${source} is ${printable(getAt(values, setting.path), setting)}; it must be ${setting.allowed}.`,
      );
    } else if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) lines.add(describeUnknownKey(path, key, file));
    } else {
      lines.add(`${path.join('.') || 'The file'} (${file?.path ?? 'file'}) must be an object of settings.`);
    }
  }
  return [...lines];
}

function describeUnknownKey(path: readonly string[], key: string, file: ConfigFile | undefined): string {
  const here = path.join('.');
  const known = new Set(
    settings
      .filter((setting) => setting.path.slice(0, path.length).join('.') === here)
      .map((setting) => setting.path[path.length]!),
  );
  const full = [...path, key].join('.');
  // First a slip of the pen here, then the right name in the wrong section.
  const meant =
    closest(key, [...known]) ??
    settings.find((setting) => setting.path.at(-1) === key || setting.env === key)?.path.join('.');
  const suggestion = meant
    ? ` Did you mean ${meant.includes('.') ? meant : [...path, meant].join('.')}?`
    : ` Known here: ${[...known].join(', ')}.`;
  return `${full} (${file?.path ?? 'file'}) is not a setting.${suggestion}`;
}

function printable(value: unknown, setting: Setting): string {
  if (value === undefined) return 'missing';
  if (setting.secret === 'whole') return `a secret that is not shown (${typeof value})`;
  const text =
    JSON.stringify(setting.secret === 'url' && typeof value === 'string' ? redactUrl(value) : value) ??
    typeof value;
  return text.length > 200 ? `${text.slice(0, 200)}…` : text;
}

/** The URL without its user's password and without its query, both of which may be secret. */
export function redactUrl(url: string): string {
  // Not by the URL class: what has to be shown here is often no valid URL. The last @ ends the credentials.
  return url
    .replace(
      /^([a-z][a-z0-9+.-]*:\/\/)?([^/?#]*)@/i,
      (_, scheme: string | undefined, credentials: string) => {
        const user = credentials.split(':')[0] ?? '';
        return `${scheme ?? ''}${user}:***@`;
      },
    )
    .replace(/[?#].*$/, (rest) => `${rest[0]}…`);
}

/** The nearest of `names` by edit distance, when it is near enough to be a slip. */
export function closest(name: string, names: readonly string[]): string | undefined {
  const limit = Math.min(2, Math.ceil(name.length / 3));
  const ranked = names.map((candidate) => ({
    candidate,
    distance: editDistance(name.toLowerCase(), candidate.toLowerCase()),
  }));
  ranked.sort((left, right) => left.distance - right.distance);
  return ranked[0] && ranked[0].distance <= limit ? ranked[0].candidate : undefined;
}

function editDistance(left: string, right: string): number {
  let row = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let i = 1; i <= left.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= right.length; j += 1) {
      const replace = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(replace, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}

function setAt(values: Record<string, unknown>, path: readonly string[], value: unknown): void {
  const [key = '', ...rest] = path;
  if (rest.length === 0) {
    values[key] = value;
    return;
  }
  // A section that is no object is an error of the file, which the schema reports; do not hide it.
  if (values[key] !== undefined && !isPlainObject(values[key])) return;
  const section = { ...(values[key] as Record<string, unknown> | undefined) };
  setAt(section, rest, value);
  values[key] = section;
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const child of Object.values(value)) deepFreeze(child);
    Object.freeze(value);
  }
  return value;
}

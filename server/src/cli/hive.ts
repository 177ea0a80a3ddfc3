/** `npx -y pnpm@12 hive <command>`: what is done at the machine, beside the running server or without it. */
import { enableCompileCache } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { closest, ConfigError } from '../config/parse-config.ts';
import { DomainError, messageOf } from '../lib/errors.ts';
import { UsageError, type Command } from './commands/command.ts';

enableCompileCache(
  join(resolve(fileURLToPath(import.meta.url), '../../../..'), 'node_modules/.cache/agent-hive'),
);

/** Loaded when asked for: help needs no database. */
const loaders: readonly (() => Promise<Command>)[] = [
  async () => (await import('./commands/admin-link.ts')).adminLink,
  async () => (await import('./commands/admin-reset.ts')).adminReset,
  async () => (await import('./commands/audit-verify.ts')).auditVerify,
  async () => (await import('./commands/audit-export.ts')).auditExport,
  async () => (await import('./commands/secrets-rotate.ts')).secretsRotate,
];
const loadAll = () => Promise.all(loaders.map((load) => load()));

async function main(words: readonly string[]): Promise<number> {
  const commands = await loadAll();
  const [first = 'help', second = ''] = words;
  if (['help', '--help', '-h'].includes(first)) return help(commands, words.slice(1));
  const command = commands.find(({ name }) => name === `${first} ${second}`);
  if (!command) throw unknown(commands, first, second);
  const args = words.slice(2);
  if (args.includes('--help') || args.includes('-h')) return help(commands, [first, second]);
  try {
    return await command.run(args);
  } catch (error) {
    if (error instanceof UsageError) throw new UsageError(`${error.message}\n\n${usageOf(command)}`);
    throw error;
  }
}

function usageOf({ help: lines }: Command): string {
  return lines.filter((line) => line.startsWith('hive ')).join('\n');
}

function help(commands: readonly Command[], words: readonly string[]): number {
  const command = commands.find(({ name }) => name === words.join(' '));
  if (words.length > 0 && !command) throw unknown(commands, words[0]!, words[1] ?? '');
  const lines = command?.help ?? [
    'npx -y pnpm@12 hive <command>',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(16)}${summary}`),
    `  ${'help <command>'.padEnd(16)}says more about one`,
    '',
    'Run it in the folder the hive is started in, with the same settings. It works while the hive runs and while it does not.',
  ];
  process.stdout.write(`${lines.join('\n')}\n`);
  return 0;
}

function unknown(commands: readonly Command[], first: string, second: string): UsageError {
  const given = `${first} ${second}`.trim();
  const names = commands.map(({ name }) => name);
  const inGroup = names.filter((name) => name.startsWith(`${first} `));
  const meant = closest(given, names);
  if (meant) return new UsageError(`There is no command ${given}; did you mean ${meant}?`);
  return new UsageError(
    `There is no command ${given}. Commands: ${(inGroup.length > 0 ? inGroup : names).join(', ')}, help.`,
  );
}

main(process.argv.slice(2)).then(
  (code) => process.exit(code),
  (error: unknown) => {
    const isExpected =
      error instanceof UsageError || error instanceof ConfigError || error instanceof DomainError;
    const showsStack = !isExpected && process.env['HIVE_DEBUG'] && error instanceof Error;
    process.stderr.write(`${showsStack ? error.stack : messageOf(error)}\n`);
    process.exit(error instanceof UsageError ? 2 : 1);
  },
);

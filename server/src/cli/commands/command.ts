import { parseArgs, type ParseArgsConfig } from 'node:util';
import { messageOf } from '../../lib/errors.ts';

/** What a command has to do with the outside, so that tests and pipes see the same. */
export interface Command {
  /** As it is typed, for example `audit verify`. */
  name: string;
  summary: string;
  /** The lines of its help, options included. */
  help: readonly string[];
  /** @returns the exit code: 0, or 1 when what it looked for is not as it should be */
  run(args: readonly string[]): Promise<number>;
}

/** Wrong use; the message says what is right. Exit code 2. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}

/** @throws UsageError naming the option */
export function parseOptions<Options extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Options,
) {
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: false }).values;
  } catch (error) {
    // Node adds how to pass an argument that starts with a dash, which these commands do not take.
    throw new UsageError(`${messageOf(error).split('. To specify')[0]!.replace(/\.$/, '')}.`);
  }
}

export function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

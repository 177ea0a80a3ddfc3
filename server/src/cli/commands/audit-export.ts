import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import type { Writable } from 'node:stream';
import { exportAudit } from '../../stores/audit-reads.ts';
import { homeSlug } from '../../stores/workspace-store.ts';
import { parseOptions, type Command } from './command.ts';
import { findWorkspaceBySlug, withHive } from './open-hive.ts';

export const auditExport: Command = {
  name: 'audit export',
  summary: 'writes the audit trail as JSON Lines, which anybody can verify',
  help: [
    'hive audit export [--workspace <short name>] [-o <file>]',
    '',
    'Writes the audit trail of a workspace as JSON Lines. `hive audit verify --file` checks the result. It holds addresses of',
    'people as far as these are kept. The export itself is put on the record.',
    '',
    `  --workspace <short name>   which one; ${homeSlug} when absent`,
    '  -o, --output <file>        a new file; standard output when absent',
  ],
  async run(args) {
    const { workspace = homeSlug, output } = parseOptions(args, {
      workspace: { type: 'string' },
      output: { type: 'string', short: 'o' },
    });
    return withHive(async ({ sql, record }) => {
      const { id } = await findWorkspaceBySlug(sql, workspace);
      const target = output === undefined ? process.stdout : await createFile(output);
      const detail = { by: 'hive audit export' };
      await record({
        action: 'audit.export',
        workspaceId: id,
        subjectType: 'workspace',
        subjectId: id,
        detail,
      });
      const lines = await writeLines(exportAudit(sql, id), target);
      if (output !== undefined) {
        target.end();
        await once(target, 'finish');
        process.stderr.write(`${(lines - 1).toLocaleString('en')} entries written to ${output}.\n`);
      }
      return 0;
    });
  },
};

/** It holds personal data: for its owner only, and in nobody's place. */
async function createFile(path: string): Promise<Writable> {
  const file = createWriteStream(path, { flags: 'wx', mode: 0o600 });
  try {
    await once(file, 'open');
    return file;
  } catch (error) {
    const reason =
      (error as NodeJS.ErrnoException).code === 'EEXIST'
        ? 'it is there already; choose another name'
        : (error as Error).message;
    throw new Error(`${path} cannot be made: ${reason}.`, { cause: error });
  }
}

/** No faster than they are taken. @returns how many */
async function writeLines(lines: AsyncIterable<string>, target: Writable): Promise<number> {
  let count = 0;
  let broken: Error | undefined;
  const onError = (error: Error) => (broken = error);
  target.on('error', onError);
  try {
    for await (const line of lines) {
      count += 1;
      if (!target.write(line)) await Promise.race([once(target, 'drain'), once(target, 'close')]);
      // `hive audit export | head` has seen enough.
      if (broken && (broken as NodeJS.ErrnoException).code === 'EPIPE') return count;
      if (broken) throw broken;
    }
    return count;
  } finally {
    target.off('error', onError);
  }
}

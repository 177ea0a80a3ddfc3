import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { verifyAudit, type ChainReport } from '../../engines/security/audit-chain.ts';
import { verifyExport } from '../../engines/security/audit-export-check.ts';
import { messageOf } from '../../lib/errors.ts';
import { wasEverSealed } from '../../stores/audit-seal-store.ts';
import { listWorkspaces } from '../../stores/workspace-store.ts';
import { parseOptions, print, UsageError, type Command } from './command.ts';
import { findWorkspaceBySlug, withHive } from './open-hive.ts';

const count = (number: number, noun: string) =>
  `${number.toLocaleString('en')} ${number === 1 ? noun : noun.replace(/y$/, 'ie').concat('s')}`;

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'checks that nothing in the audit trail was changed or removed',
  help: [
    'hive audit verify [--workspace <short name>] [--head <hash>]',
    'hive audit verify --file <export.jsonl> [--head <hash>]',
    '',
    'Computes every hash of the trail again and compares. Exits with 1 when something is wrong.',
    '',
    '  --workspace <short name>   only this one; all of them when absent',
    '  --head <hash>              also look for this hash, the head of the trail noted earlier elsewhere:',
    '                             who owns the database can compute a whole new trail, but not one with that head',
    '  --file <export.jsonl>      check an exported file instead, with nothing but itself',
  ],
  async run(args) {
    const options = parseOptions(args, {
      workspace: { type: 'string' },
      head: { type: 'string' },
      file: { type: 'string' },
    });
    const { workspace, head, file } = options;
    if (head !== undefined && !/^[0-9a-fA-F]{64}$/.test(head))
      throw new UsageError(`--head must be 64 hexadecimal digits; ${JSON.stringify(head)} is not.`);
    if (file === undefined) return verifyDatabase(workspace, head);
    if (workspace !== undefined)
      throw new UsageError('--workspace and --file do not go together: a file is of one workspace.');
    return verifyFile(file, head);
  },
};

async function verifyDatabase(slug: string | undefined, head: string | undefined): Promise<number> {
  return withHive(async ({ sql }) => {
    const only = slug === undefined ? undefined : await findWorkspaceBySlug(sql, slug);
    const names = new Map((await listWorkspaces(sql)).map((workspace) => [workspace.id, workspace.slug]));
    const reports = await verifyAudit(sql, only?.id, head);
    for (const report of reports) printReport(names.get(report.workspaceId) ?? report.workspaceId, report);
    const isGone = reports.length === 0 && only === undefined && (await wasEverSealed(sql));
    if (isGone) print('The audit trail is empty, though entries were sealed before: all of it was removed.');
    else if (reports.length === 0) print('The audit trail is empty.');
    const isLost = head !== undefined && !reports.some((report) => report.expectedFound);
    if (isLost) printLost(head);
    return isGone || isLost || reports.some((report) => !report.intact) ? 1 : 0;
  });
}

function printReport(name: string, report: ChainReport): void {
  const { sealed, unsealed, headHash, firstBroken } = report;
  const waiting = unsealed > 0 ? `, ${unsealed.toLocaleString('en')} not sealed yet` : '';
  print(`${name}: ${count(sealed, 'sealed entry')}${waiting}, ${firstBroken ? 'BROKEN' : 'intact'}`);
  if (firstBroken) {
    const where = firstBroken.position === null ? '' : `position ${firstBroken.position}, `;
    print(
      `  ${where}${firstBroken.entryId === null ? '' : `entry ${firstBroken.entryId}: `}${firstBroken.problem}`,
    );
  } else if (headHash !== null) print(`  head ${headHash}`);
}

function printLost(head: string): void {
  print(`The head ${head} is not in the trail.`);
  print(
    '  The trail was cut off or replaced since it was noted, or retention (HIVE_AUDIT_RETENTION_DAYS) removed it.',
  );
}

async function verifyFile(path: string, head: string | undefined): Promise<number> {
  const lines = createInterface({ input: createReadStream(path), crlfDelay: Number.POSITIVE_INFINITY });
  let report: Awaited<ReturnType<typeof verifyExport>>;
  try {
    report = await verifyExport(lines, head);
  } catch (error) {
    throw new Error(`${path} cannot be read: ${messageOf(error)}`, { cause: error });
  }
  const { entries, unsealed, filtered, intact, firstBroken, headHash, expectedFound } = report;
  const waiting = unsealed > 0 ? `, ${unsealed.toLocaleString('en')} of them not sealed when exported` : '';
  print(`${path}: ${count(entries, 'entry')}${waiting}, ${intact ? 'intact' : 'BROKEN'}`);
  if (firstBroken) print(`  line ${firstBroken.line}: ${firstBroken.problem}`);
  if (filtered)
    print('  It was exported with a filter: entries left out by it cannot be told from removed ones.');
  if (intact && headHash !== null) print(`  last hash ${headHash}`);
  if (expectedFound === false) print(`  The head ${head} is not in it.`);
  return intact && expectedFound !== false ? 0 : 1;
}

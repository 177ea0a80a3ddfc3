import { messageOf } from '../../lib/errors.ts';
import type { AuditContent, AuditExportHeader, AuditExportLine } from '../../stores/audit-reads.ts';
import { noHash, sealHash } from './audit-chain.ts';

export interface ExportReport {
  workspaceId: string | null;
  entries: number;
  /** Of them, not sealed when they were exported: nothing vouches for these. */
  unsealed: number;
  filtered: boolean;
  /** Hexadecimal, of the last sealed line. */
  headHash: string | null;
  expectedFound?: boolean;
  intact: boolean;
  /** Lines are counted from 1, the header. */
  firstBroken?: { line: number; problem: string };
}

/**
 * Checks a file made by `exportAudit` with nothing but itself: each entry against its hash, each hash against the one before,
 * and, when no filter left entries out, that none is missing, but for a beginning that a retention on record removed. To know that the file as a whole is genuine, its `headHash` has
 * to be compared with one noted elsewhere.
 * @param lines without or with their line breaks
 */
export async function verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  expectedHash?: string,
): Promise<ExportReport> {
  const report: ExportReport = {
    ...{ workspaceId: null, entries: 0, unsealed: 0, filtered: false, headHash: null, intact: true },
  };
  const check = new ExportCheck(report);
  const wanted = expectedHash?.toLowerCase();
  let line = 0;
  for await (const text of lines) {
    if (text.trim() === '') continue;
    line += 1;
    const problem = line === 1 ? check.header(text) : check.line(text);
    if (wanted !== undefined && report.headHash === wanted) report.expectedFound = true;
    if (problem === undefined) continue;
    report.intact = false;
    report.firstBroken = { line, problem };
    break;
  }
  const problem = report.intact ? check.end(line) : undefined;
  if (problem !== undefined) {
    report.intact = false;
    report.firstBroken = { line: line + 1, problem };
  }
  if (wanted !== undefined) report.expectedFound ??= false;
  return report;
}

class ExportCheck {
  readonly #report: ExportReport;
  #header: AuditExportHeader | undefined;
  #last: { position: number; hash: string } | undefined;
  /** The `previous` of the first sealed line. */
  #before: string | undefined;
  /** Whether a line says that retention removed what the first one leaves out. */
  #isCutOnRecord = false;
  /** The unsealed ones are at the end. */
  #tail = false;

  constructor(report: ExportReport) {
    this.#report = report;
  }

  /** @returns what is wrong */
  header(text: string): string | undefined {
    const header = parse<AuditExportHeader>(text);
    if (typeof header === 'string') return header;
    if (header.format !== 'hive-audit/1')
      return 'it is no audit export: the first line must have "format":"hive-audit/1"';
    this.#header = header;
    this.#report.workspaceId = header.workspaceId;
    this.#report.filtered = header.filtered === true;
    return undefined;
  }

  line(text: string): string | undefined {
    const line = parse<AuditExportLine>(text);
    if (typeof line === 'string') return line;
    if (typeof line.entry !== 'object' || line.entry === null) return 'it has no entry';
    if (line.entry.workspaceId !== this.#header?.workspaceId) return 'its entry is of another workspace';
    this.#report.entries += 1;
    if (line.position !== null) this.#before ??= line.previous ?? undefined;
    this.#isCutOnRecord ||= this.#recordsCut(line.entry);
    if (line.position === null) {
      this.#report.unsealed += 1;
      this.#tail = true;
      return undefined;
    }
    if (this.#tail) return 'a sealed entry follows one that is not sealed';
    return this.#sealed(line);
  }

  #sealed({ position, previous, hash, entry }: AuditExportLine): string | undefined {
    if (!Number.isSafeInteger(position) || !isHash(previous) || !isHash(hash))
      return 'position, previous or hash is malformed';
    if (sealHash(Buffer.from(previous, 'hex'), entry).toString('hex') !== hash)
      return 'the entry is not what was sealed';
    const last = this.#last;
    if (position === 1 && previous !== noHash.toString('hex')) return 'the first entry names one before it';
    const { anchorPosition = 0 } = this.#header ?? {};
    if (!last && position !== anchorPosition + 1 && !this.#report.filtered)
      return `the entries from position ${anchorPosition + 1} to ${position! - 1} are missing`;
    if (last && position! <= last.position) return 'it is out of order';
    if (last && position === last.position + 1 && previous !== last.hash)
      return 'it does not continue the line before it';
    if (last && position !== last.position + 1 && !this.#report.filtered)
      return `the entries from position ${last.position + 1} to ${position! - 1} are missing`;
    this.#last = { position: position!, hash };
    this.#report.headHash = hash;
    if (position === this.#header?.headPosition && hash !== this.#header.headHash)
      return 'it has another hash than the head in the first line';
    return undefined;
  }

  #recordsCut({ action, actorKind, detail }: AuditContent): boolean {
    if (action !== 'audit.retain' || actorKind !== 'SYSTEM') return false;
    const { throughPosition, throughHash } = (detail ?? {}) as Record<string, unknown>;
    return (
      throughPosition === this.#header?.anchorPosition &&
      (this.#before === undefined || throughHash === this.#before)
    );
  }

  /** @returns what is missing at the end */
  end(lines: number): string | undefined {
    if (lines === 0) return 'the file is empty';
    const { headPosition = 0, anchorPosition = 0 } = this.#header ?? {};
    if (this.#report.filtered) return undefined;
    if (anchorPosition > 0 && !this.#isCutOnRecord)
      return `the entries up to position ${anchorPosition} are missing, and no retention on record removed them`;
    if ((this.#last?.position ?? anchorPosition) >= headPosition) return undefined;
    return `the end is missing: entries should reach position ${headPosition} and end at ${this.#last?.position ?? 0}`;
  }
}

function parse<T>(text: string): T | string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as T) : 'it is no JSON object';
  } catch (error) {
    return `it is not valid JSON: ${messageOf(error)}`;
  }
}

function isHash(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{64}$/.test(text);
}

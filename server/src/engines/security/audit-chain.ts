import { createHash } from 'node:crypto';
import { canonicalJson } from '../../lib/json.ts';
import { contentOf, type AuditContent } from '../../stores/audit-reads.ts';
import {
  readChain,
  findUnsealed,
  isCutOnRecord,
  readChainBounds,
  type ChainBounds,
  type ChainHead,
  type ChainLink,
  type NewSeal,
  type Unsealed,
} from '../../stores/audit-seal-store.ts';
import type { Sql } from '../../stores/sql.ts';

/** Before the first entry of a chain. */
export const noHash: Buffer = Buffer.alloc(32);

/** What the chain is made of; the canonical form is described at `exportAudit` (stores/audit-reads.ts). */
export function sealHash(previous: Buffer, entry: AuditContent): Buffer {
  return createHash('sha256')
    .update(previous)
    .update(canonicalJson(contentOf(entry)))
    .digest();
}

/** Continues the chains of the heads with these entries, in this order. @returns the seals, and the heads afterwards */
export function sealEntries(
  entries: readonly AuditContent[],
  heads: ReadonlyMap<string, ChainHead>,
): { seals: NewSeal[]; heads: Map<string, ChainHead> } {
  const next = new Map<string, ChainHead>();
  const seals = entries.map((entry) => {
    const { workspaceId } = entry;
    const head = next.get(workspaceId) ?? heads.get(workspaceId) ?? { position: 0n, hash: noHash };
    const seal: NewSeal = {
      workspaceId,
      position: head.position + 1n,
      entryId: entry.id,
      previous: head.hash,
      hash: sealHash(head.hash, entry),
    };
    next.set(workspaceId, seal);
    return seal;
  });
  return { seals, heads: next };
}

export interface BrokenLink {
  /** Null: of an entry that has no place in the chain. */
  position: number | null;
  entryId: string | null;
  problem: string;
}

export interface ChainReport {
  workspaceId: string;
  /** Entries that are there and sealed. */
  sealed: number;
  /** Written a moment ago and not sealed yet. */
  unsealed: number;
  intact: boolean;
  /** Hexadecimal, of the last seal; null without one. */
  headHash: string | null;
  /** Whether the hash to look for was met; only when one was given. */
  expectedFound?: boolean;
  firstBroken?: BrokenLink;
}

const pageSize = 1_000;

/**
 * Computes every hash of the trail again and compares. It notices an entry that was changed, removed, or added without a
 * seal; a seal that was removed, changed, or moved; an end that is missing, and a beginning that is and that no retention
 * on record removed.
 *
 * What it cannot notice: whoever owns the database can compute a whole new chain and head, or cut the end off and set the
 * head back, or put a retention on record. That takes a copy outside: note `headHash` elsewhere now and then and look for it (`expectedHash`, `hive audit
 * verify --head`), or keep exports. Nor is what was removed before it was sealed, a second at most, ever missed.
 * @param sql of the role hive_system
 */
export async function verifyAudit(
  sql: Sql,
  workspaceId?: string,
  expectedHash?: string,
): Promise<ChainReport[]> {
  const reports: ChainReport[] = [];
  for (const bounds of await readChainBounds(sql, workspaceId))
    reports.push(await verifyChain(sql, bounds, expectedHash?.toLowerCase()));
  return reports;
}

async function verifyChain(sql: Sql, bounds: ChainBounds, expectedHash?: string): Promise<ChainReport> {
  const walk = await walkChain(sql, bounds, expectedHash);
  const unsealed = await findUnsealed(sql, bounds.workspaceId);
  walk.end(unsealed);
  const { anchor } = walk;
  if (!walk.broken && anchor && !(await isCutOnRecord(sql, bounds.workspaceId, anchor)))
    walk.broken = {
      position: Number(anchor.position),
      entryId: null,
      problem: `the entries up to position ${anchor.position} are gone, and no retention on record removed them`,
    };
  if (walk.broken) {
    const [now] = await readChainBounds(sql, bounds.workspaceId);
    // Retention has cut the chain meanwhile: what is missing is so by right. Begin anew behind it.
    if (now && now.anchorPosition > bounds.anchorPosition) return verifyChain(sql, now, expectedHash);
  }
  return walk.report(unsealed);
}

/** @returns the walk, at its end or at the first broken link */
async function walkChain(sql: Sql, bounds: ChainBounds, expectedHash?: string): Promise<ChainWalk> {
  const walk = new ChainWalk(bounds, expectedHash);
  // From before the anchor: a seal that is left over from a deleted beginning is a problem, too.
  for (let after = 0n; ;) {
    const links = await readChain(sql, bounds.workspaceId, after, pageSize);
    for (const link of links) {
      walk.step(link);
      if (walk.broken) return walk;
    }
    if (links.length < pageSize) return walk;
    after = BigInt(links.at(-1)!.position);
  }
}

/** One pass over a chain, link after link. */
class ChainWalk {
  readonly #bounds: ChainBounds;
  readonly #expectedHash: string | undefined;
  #last: ChainHead | undefined;
  #sealed = 0;
  #headMet = false;
  #expectedFound = false;
  broken: BrokenLink | undefined;
  /** The seal that retention left of what it cut. */
  anchor: ChainHead | undefined;

  constructor(bounds: ChainBounds, expectedHash: string | undefined) {
    this.#bounds = bounds;
    this.#expectedHash = expectedHash;
  }

  step(link: ChainLink): void {
    const problem = this.#problemOf(link);
    if (problem !== undefined) {
      this.broken = { position: Number(link.position), entryId: link.entryId, problem };
      return;
    }
    const position = BigInt(link.position);
    if (link.id !== null) this.#sealed += 1;
    if (position === this.#bounds.position) this.#headMet = link.hash.equals(this.#bounds.hash);
    if (link.hash.toString('hex') === this.#expectedHash) this.#expectedFound = true;
    this.#last = { position, hash: link.hash };
    if (position === this.#bounds.anchorPosition) this.anchor = this.#last;
  }

  #problemOf(link: ChainLink): string | undefined {
    const position = BigInt(link.position);
    const { anchorPosition } = this.#bounds;
    const isAnchor = anchorPosition > 0n && position === anchorPosition;
    if (this.#last === undefined) {
      const first = anchorPosition === 0n ? 1n : anchorPosition;
      if (position !== first)
        return `the chain begins at position ${position} instead of ${first}: seals are missing`;
      if (position === 1n && !link.previous.equals(noHash)) return 'the first seal names a seal before it';
    } else {
      const expected = this.#last.position + 1n;
      if (position !== expected) return `the seals from position ${expected} to ${position - 1n} are missing`;
      if (!link.previous.equals(this.#last.hash))
        return 'it does not continue the seal before it: seals were moved, changed or replaced';
    }
    // Retention removed the entry of the anchor; its hash is taken as it is.
    if (link.id === null) return isAnchor ? undefined : 'its entry is missing';
    if (!sealHash(link.previous, contentOf(link as AuditContent)).equals(link.hash))
      return 'its entry is not what was sealed: it was changed, or another put in its place';
    return undefined;
  }

  /** After the last link. */
  end({ intruder }: Unsealed): void {
    if (this.broken) return;
    const { position } = this.#bounds;
    const last = this.#last?.position ?? 0n;
    if (last < position) {
      const problem = `the end is missing: the chain should reach position ${position} and ends at ${last}`;
      this.broken = { position: Number(last + 1n), entryId: null, problem };
    } else if (position === 0n && last > 0n) {
      this.broken = {
        position: Number(last),
        entryId: null,
        problem: 'the record of where the chain ends is missing',
      };
    } else if (position > 0n && !this.#headMet) {
      const problem = 'the chain has another hash than the record of its end: one of them was replaced';
      this.broken = { position: Number(position), entryId: null, problem };
    } else if (intruder !== null) {
      const problem = 'it has no seal though its place in the log has been sealed: it was added afterwards';
      this.broken = { position: null, entryId: intruder, problem };
    }
  }

  report({ waiting }: Unsealed): ChainReport {
    return {
      workspaceId: this.#bounds.workspaceId,
      sealed: this.#sealed,
      unsealed: waiting,
      intact: this.broken === undefined,
      headHash: this.#last?.hash.toString('hex') ?? null,
      ...(this.#expectedHash === undefined ? {} : { expectedFound: this.#expectedFound }),
      ...(this.broken ? { firstBroken: this.broken } : {}),
    };
  }
}

import type { Clock } from '../../lib/clock.ts';
import type { Logger } from '../../lib/log.ts';
import { startLoop } from '../../lib/loop.ts';
import {
  adoptLog,
  insertSeals,
  isForeignLog,
  keepHeads,
  keepWatermark,
  readForeignUnsealed,
  readHeads,
  readUnsealed,
  tryLockSealing,
} from '../../stores/audit-seal-store.ts';
import type { AuditContent } from '../../stores/audit-reads.ts';
import type { Sql } from '../../stores/sql.ts';
import { sealEntries } from './audit-chain.ts';

const batchSize = 1_000;
/** Behind a commit the entry may still be above the horizon of another open transaction, and commits come in bursts. */
const gatherMs = 50;

export interface AuditSealerDeps {
  /** Runs work in a transaction with the rights of the system. */
  transaction<T>(work: (sql: Sql) => Promise<T>): Promise<T>;
  clock: Clock;
  log: Logger;
  /** Longest time until an entry is sealed when nobody wakes the sealer, ms. Default 1,000. */
  intervalMs?: number;
}

export interface AuditSealer {
  /** Something was committed here. */
  wake(): void;
  /** Seals what is there, then ends. */
  stop(): Promise<void>;
}

/** Gives the entries of the audit trail their places in the chains of hashes, in one process of the cluster at a time. */
export function startAuditSealer(deps: AuditSealerDeps): AuditSealer {
  const { clock, log, intervalMs = 1_000 } = deps;
  let woken = false;
  const loop = startLoop({
    name: 'audit-sealer',
    intervalMs,
    clock,
    log,
    async turn(signal) {
      if (woken) await clock.sleep(gatherMs, signal);
      woken = false;
      return deps.transaction(sealBatch);
    },
  });
  return {
    wake() {
      woken = true;
      loop.wake();
    },
    async stop() {
      await loop.stop();
      // What the last requests wrote. Nothing is lost when the database is away: the next start seals it.
      await sealAll(deps).catch(() => undefined);
    },
  };
}

/** Seals everything that can be sealed now, for a command that verifies or exports. */
export async function sealAll({ transaction }: Pick<AuditSealerDeps, 'transaction'>): Promise<void> {
  while (await transaction(sealBatch));
}

/** @returns whether there is more */
export async function sealBatch(sql: Sql): Promise<boolean> {
  if (!(await tryLockSealing(sql))) return false;
  if (await isForeignLog(sql)) return sealForeignBatch(sql);
  const rows = await readUnsealed(sql, batchSize);
  const last = rows.at(-1);
  if (!last) return false;
  await seal(
    sql,
    rows.filter((row) => !row.sealed),
  );
  await keepWatermark(sql, last);
  return rows.length === batchSize;
}

/** What a restored dump brought unsealed is sealed first; then the log is read from its start by this cluster's count. */
async function sealForeignBatch(sql: Sql): Promise<boolean> {
  const rows = await readForeignUnsealed(sql, batchSize);
  await seal(sql, rows);
  if (rows.length < batchSize) await adoptLog(sql);
  return true;
}

async function seal(sql: Sql, entries: readonly AuditContent[]): Promise<void> {
  if (entries.length === 0) return;
  const known = await readHeads(sql, [...new Set(entries.map((entry) => entry.workspaceId))]);
  const { seals, heads } = sealEntries(entries, known);
  await insertSeals(sql, seals);
  await keepHeads(sql, heads);
}

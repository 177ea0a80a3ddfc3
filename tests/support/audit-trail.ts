import { randomUUID } from 'node:crypto';
import { verifyAudit, type ChainReport } from '../../server/src/engines/security/audit-chain.ts';
import { sealAll } from '../../server/src/engines/security/audit-sealer.ts';
import { inSystemTransaction } from '../../server/src/managers/transaction.ts';
import { readAuditState } from '../../server/src/stores/audit-reads.ts';
import { appendAudit, type NewAuditEntry } from '../../server/src/stores/audit-store.ts';
import { sqlOfPool, type Sql } from '../../server/src/stores/sql.ts';
import type { TestDatabase } from './database.ts';

/** The audit trail of a workspace of its own: entries never go away, so each test takes a new one. */
export class TestTrail {
  readonly workspaceId: string = randomUUID();
  readonly system: Sql;
  readonly #database: TestDatabase;

  constructor(database: TestDatabase) {
    this.#database = database;
    this.system = sqlOfPool(database.systemPool);
  }

  /** An entry about the subject `t<number>`. */
  entry(number: number, more: Partial<NewAuditEntry> = {}): NewAuditEntry {
    return {
      ...{ workspaceId: this.workspaceId, actorKind: 'USER', actorId: randomUUID() },
      ...{ action: 'task.create', outcome: 'ALLOWED', subjectType: 'task', subjectId: `t${number}` },
      detail: { number, text: 'ü "x" \u2028', deep: { b: 1.5, a: null } },
      ...more,
    };
  }

  append(...entries: NewAuditEntry[]): Promise<void> {
    return appendAudit(this.system, entries);
  }

  transaction = <T>(work: (sql: Sql) => Promise<T>): Promise<T> =>
    inSystemTransaction(this.#database.systemPool, work);

  /**
   * Until everything of this workspace is sealed: a transaction of another test file, on whatever database of the server, may
   * hold the horizon back for a moment.
   */
  async seal(): Promise<void> {
    do await sealAll(this);
    while ((await readAuditState(this.system, this.workspaceId)).unsealedCount > 0);
  }

  /** Entries about t1 to t<count>, each from a transaction of its own. */
  async writeSealed(count: number): Promise<void> {
    for (let number = 1; number <= count; number += 1) await this.append(this.entry(number));
    await this.seal();
  }

  async report(expectedHash?: string): Promise<ChainReport> {
    const [found] = await verifyAudit(this.system, this.workspaceId, expectedHash);
    return found!;
  }

  /** As somebody with all rights on the database, past every guard. `$1` is the workspace. */
  async tamper(statement: string): Promise<void> {
    const client = await this.#database.pool.connect();
    let broken = true;
    try {
      await client.query(`begin; set local session_replication_role = 'replica'`);
      await client.query(statement, statement.includes('$1') ? [this.workspaceId] : []);
      await client.query('commit');
      broken = false;
    } finally {
      client.release(broken);
    }
  }
}

export async function readAll<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

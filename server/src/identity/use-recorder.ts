import { LRUCache } from 'lru-cache';
import type { Clock } from '../lib/clock.ts';
import type { Logger } from '../lib/log.ts';
import { startLoop } from '../lib/loop.ts';
import { touchApiKeys } from '../stores/api-key-store.ts';
import type { NewAuditEntry } from '../stores/audit-store.ts';
import { touchMembers } from '../stores/member-store.ts';
import type { Sql } from '../stores/sql.ts';
import type { KeyUse } from './authenticator.ts';

const minuteMs = 60_000;
const hourMs = 3_600_000;
const flushMs = 1_000;
/** Keys, people, and pairs of key and address that are told apart; beyond, the longest unseen one is noted anew. */
const remembered = 20_000;

export interface UseRecorderDeps {
  /** Of the role hive_system. */
  systemSql: Sql;
  clock: Clock;
  log: Logger;
  /** Of the audit recorder: takes an entry on without waiting. */
  record(entry: NewAuditEntry): void;
}

export interface UseRecorder {
  keyUsed(use: KeyUse): void;
  memberSeen(workspaceId: string, userId: string): void;
  /** Resolves when what was noted so far has been written. */
  flush(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * Notes when keys were used and people seen, off the request's path: at most once a minute each, many in one statement. The
 * first use of a key from an address in an hour goes to the audit trail.
 */
export function createUseRecorder({ systemSql, clock, log, record }: UseRecorderDeps): UseRecorder {
  const keyNotedAt = new LRUCache<string, number>({ max: remembered });
  const keyAuditedAt = new LRUCache<string, number>({ max: remembered });
  const seen = new LRUCache<string, { workspaceId: string; at: number }>({ max: remembered });
  let keys = new Map<string, number>();
  let members = new Map<string, { workspaceId: string; userId: string; at: number }>();

  async function flush(): Promise<void> {
    const [usedKeys, seenMembers] = [keys, members];
    keys = new Map();
    members = new Map();
    // A note that could not be written is not worth keeping: the next minute brings another one.
    if (usedKeys.size > 0)
      await touchApiKeys(
        systemSql,
        [...usedKeys].map(([id, at]) => ({ id, at })),
      );
    if (seenMembers.size > 0) await touchMembers(systemSql, [...seenMembers.values()]);
  }

  const loop = startLoop({ name: 'use-recorder', intervalMs: flushMs, clock, log, turn: flush });
  const isOld = (at: number | undefined, ageMs: number) => at === undefined || clock.now() - at >= ageMs;

  return {
    keyUsed({ keyId, kind, workspaceId, userId, address, userAgent }) {
      const at = clock.now();
      if (isOld(keyNotedAt.get(keyId), minuteMs)) {
        keyNotedAt.set(keyId, at);
        keys.set(keyId, at);
      }
      const source = `${keyId} ${address}`;
      if (!isOld(keyAuditedAt.get(source), hourMs)) return;
      keyAuditedAt.set(source, at);
      const subject = { subjectType: 'ApiKey', subjectId: keyId };
      const actor = { actorKind: kind, actorId: keyId, userId, workspaceId };
      record({ ...actor, action: 'key.used', outcome: 'ALLOWED', ...subject, address, userAgent });
    },
    memberSeen(workspaceId, userId) {
      const last = seen.get(userId);
      // Going to another workspace is noted at once: it is the one to come back to.
      if (last?.workspaceId === workspaceId && !isOld(last.at, minuteMs)) return;
      const at = clock.now();
      seen.set(userId, { workspaceId, at });
      members.set(`${workspaceId} ${userId}`, { workspaceId, userId, at });
    },
    flush,
    async stop() {
      await loop.stop();
      await flush().catch((error: unknown) => log.warn({ error }, 'the last uses of keys were not noted'));
    },
  };
}

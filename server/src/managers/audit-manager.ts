import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { ForbiddenError } from '../lib/errors.ts';
import { isUuid } from '../lib/ids.ts';
import {
  exportAudit,
  pageOfAudit,
  readAuditState,
  type AuditFilter,
  type AuditRow,
  type AuditState,
} from '../stores/audit-reads.ts';
import { appendAudit, auditOutcomes } from '../stores/audit-store.ts';
import type { Page } from '../stores/page.ts';
import { forkForTenant, sqlOf } from '../stores/tenancy.ts';
import type { RefusalReason } from '../engines/security/decide.ts';
import { assertAllowed, originOf, type AuditedChangeDeps } from './authorise.ts';
import { parseInput } from './input.ts';
import { inTransaction, type Scope } from './transaction.ts';

export interface AuditManagerDeps extends AuditedChangeDeps {
  orm: AuditedChangeDeps['orm'] & Parameters<typeof forkForTenant>[0];
}

export interface AuditQuery {
  first: number;
  /** Id of the last entry of the page before. */
  after?: string | undefined;
  where?: AuditFilter | undefined;
}

export interface AuditManager {
  /** Newest first. @throws ForbiddenError, ValidationError */
  page(scope: Scope, query: AuditQuery): Promise<Page<AuditRow>>;
  /**
   * JSON Lines (see exportAudit). That it was exported is on the record before the first line is out.
   * @throws ForbiddenError, ValidationError before anything is given out
   */
  export(scope: Scope, where?: AuditFilter): Promise<AsyncIterable<string>>;
  state(scope: Scope): Promise<AuditState>;
}

const line = (maxLength: number) =>
  z
    .string()
    .min(1, 'must not be empty')
    .max(maxLength, `must have at most ${maxLength} characters`)
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'must not contain NUL or broken Unicode');

const filterSchema = z
  .object({
    actorId: line(200).optional(),
    action: line(100)
      .regex(/^[^*]*\*?$/, 'may have an asterisk at its end only')
      .optional(),
    outcome: z.enum(auditOutcomes).optional(),
    subjectId: line(200).optional(),
    since: z.date().optional(),
    until: z.date().optional(),
    text: line(200).optional(),
  })
  .refine(({ since, until }) => !since || !until || since < until, {
    path: ['until'],
    message: 'must be later than since',
  });

/** What may be seen of the audit trail, and by whom. */
export function createAuditManager(deps: AuditManagerDeps): AuditManager {
  const sqlFor = (scope: Scope) => sqlOf(forkForTenant(deps.orm, scope));
  return {
    async page(scope, { first, after, where }) {
      assertAllowed(scope, 'audit.read');
      if (after !== undefined && !isUuid(after)) parseInput(z.object({ after: z.uuid() }), { after });
      const filter = parseFilter(where);
      return pageOfAudit(sqlFor(scope), { workspaceId: scope.workspaceId, filter, first, after });
    },

    async export(scope, where) {
      try {
        assertAllowed(scope, 'audit.export');
      } catch (error) {
        if (error instanceof ForbiddenError)
          deps.onDenied(scope, 'audit.export', {}, error.reason as RefusalReason);
        throw error;
      }
      const filter = parseFilter(where);
      const { workspaceId } = scope;
      const exportId = randomUUID();
      await inTransaction(deps.orm, scope, (sql) =>
        appendAudit(sql, [
          {
            ...originOf(scope),
            workspaceId,
            action: 'audit.export',
            outcome: 'ALLOWED',
            subjectType: 'workspace',
            subjectId: workspaceId,
            detail: { exportId, filters: Object.keys(filter) },
          },
        ]),
      );
      return exportAudit(sqlFor(scope), workspaceId, filter);
    },

    async state(scope) {
      assertAllowed(scope, 'audit.read');
      return readAuditState(sqlFor(scope), scope.workspaceId);
    },
  };
}

function parseFilter(where: AuditFilter | undefined): AuditFilter {
  const given = Object.entries(where ?? {}).filter(([, value]) => value !== undefined && value !== null);
  return parseInput(filterSchema, Object.fromEntries(given));
}

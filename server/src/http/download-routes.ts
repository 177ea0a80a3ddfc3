import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { DomainError, codeOf, messageOf, type ErrorCode } from '../lib/errors.ts';
import { isUuid } from '../lib/ids.ts';
import type { Json } from '../lib/json.ts';
import type { Logger } from '../lib/log.ts';
import type { ApiRoute, ApiRoutes } from './api-routes.ts';
import type { Scope } from '../graphql/context.ts';
import { sendError } from './respond.ts';

export interface DownloadDeps {
  auditManager: { export(scope: Scope): Promise<AsyncIterable<string>> };
  securityManager: { exportPerson(scope: Scope, personId: string): Promise<Json> };
  log: Logger;
}

const statuses: Partial<Record<ErrorCode, number>> = {
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  UNAVAILABLE: 503,
  VALIDATION: 400,
};

/** Files made on demand. Both ask for a step-up, and both are on the record before the first byte is out. */
export function createDownloadRoutes(deps: DownloadDeps): ApiRoutes {
  return {
    'GET /api/audit/export': guarded(deps, async (scope, _request, response) => {
      const lines = await deps.auditManager.export(scope);
      beginFile(response, 'application/jsonl; charset=utf-8', 'audit.jsonl');
      for await (const line of lines) {
        if (response.destroyed) return;
        if (!response.write(line.endsWith('\n') ? line : `${line}\n`)) await once(response, 'drain');
      }
      response.end();
    }),
    'GET /api/people/export': guarded(deps, async (scope, request, response) => {
      const personId = personOf(request, scope);
      const person = await deps.securityManager.exportPerson(scope, personId);
      beginFile(response, 'application/json; charset=utf-8', 'person.json');
      response.end(`${JSON.stringify(person, null, 2)}\n`);
    }),
  };
}

type Answer = (scope: Scope, request: IncomingMessage, response: ServerResponse) => Promise<void>;

function guarded({ log }: DownloadDeps, answer: Answer): ApiRoute {
  return async (request, response, { principal, requestId, address, userAgent }) => {
    const actor = { ...principal.actor, at: Date.now() };
    const scope: Scope = {
      workspaceId: actor.workspaceId,
      ...(actor.projects === 'ALL' ? {} : { projectIds: [...actor.projects.keys()] }),
      actor,
      request: { id: requestId, address, ...(userAgent === undefined ? {} : { userAgent }) },
    };
    try {
      await answer(scope, request, response);
    } catch (error) {
      if (response.headersSent) {
        // What is cut short must not look complete.
        log.error({ err: error, requestId }, `a download broke off: ${messageOf(error)}`);
        response.destroy();
        return;
      }
      if (!(error instanceof DomainError)) throw error;
      const extensions = 'reason' in error ? { reason: error.reason } : {};
      sendError(response, statuses[codeOf(error)] ?? 400, error.code, error.message, extensions);
    }
  };
}

/** `personId=Person:uuid`; the person who asks when it is absent. */
function personOf(request: IncomingMessage, scope: Scope): string {
  const given = new URL(request.url ?? '/', 'http://hive.invalid').searchParams.get('personId');
  const id = given === null ? scope.actor.userId : given.replace(/^(Person|Member):/, '');
  if (id !== undefined && isUuid(id)) return id;
  throw new DomainError(
    'VALIDATION',
    'personId must be the id of a person, like Person:0198c0de-0000-7000-8000-000000000000.',
  );
}

function beginFile(response: ServerResponse, type: string, name: string): void {
  response.writeHead(200, {
    'content-type': type,
    'content-disposition': `attachment; filename="${name}"`,
    'cache-control': 'no-store',
  });
}

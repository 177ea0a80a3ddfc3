import type { IncomingMessage, ServerResponse } from 'node:http';
import { decide } from '../engines/security/decide.ts';
import type { Authenticator, Presented, Principal } from '../engines/security/principal.ts';
import type { Action } from '../engines/security/rules.ts';
import { DomainError, type ErrorCode } from '../lib/errors.ts';
import { isTransient } from '../lib/transient.ts';
import { announceAllowance, tooMany, type Allowances } from './allowance.ts';
import type { Client } from './client-of.ts';
import { sendError } from './respond.ts';

/** One HTTP request on its way through the server. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  client: Client;
  requestId: string;
  /** What links in the answer begin with. */
  linkBase: string;
}

export interface AccessGate {
  /**
   * Who sent it, within their limits.
   * @returns undefined when it was answered already: nobody valid, somebody else's workspace, too many, or no database
   */
  admit(exchange: Exchange): Promise<Principal | undefined>;
  /** The same for what is open to everybody: `principal` is undefined for a stranger, `answered` true for one too many. */
  recognise(exchange: Exchange): Promise<{ principal?: Principal; answered: boolean }>;
  /** Who sent it as far as can be told, uncounted: for what answers strangers anyway. */
  identify(exchange: Exchange): Promise<Principal | undefined>;
  /** Like `admit`, and the actor may take the action somewhere in the workspace. */
  admitFor(action: Action, exchange: Exchange, workspaceId: string): Promise<Principal | undefined>;
}

/** Asks every request who it is from, once, and counts it. */
export function createAccessGate(deps: { authenticator: Authenticator; allowances: Allowances }): AccessGate {
  const { authenticator, allowances } = deps;

  async function recognise(exchange: Exchange): Promise<{ principal?: Principal; answered: boolean }> {
    const { request, response, client } = exchange;
    const workspaceId = workspaceOf(request.headers['x-hive-workspace']);
    if (workspaceId === null) {
      refuse(exchange, 400, 'VALIDATION', 'The header X-Hive-Workspace must be an id like Workspace:uuid.');
      return { answered: true };
    }
    let principal: Principal | undefined;
    try {
      principal = await authenticator.authenticate(presentedBy(request, client, workspaceId));
    } catch (error) {
      const [status, code, message] = describeFailure(error);
      refuse(exchange, status, code, message);
      return { answered: true };
    }
    // Whoever brings a valid credential is not held up by what strangers behind the same address do.
    const allowance = principal
      ? await allowances.ofPrincipal(principal)
      : client.isLocal
        ? undefined
        : await allowances.ofAddress(client.address);
    if (allowance) announceAllowance(response, allowance);
    if (allowance && !allowance.allowed) {
      const { message, retryAfterMs } = tooMany(allowance);
      refuse(exchange, 429, 'RATE_LIMITED', message, { retryAfterMs });
      return { answered: true };
    }
    return principal ? { principal, answered: false } : { answered: false };
  }

  async function admit(exchange: Exchange): Promise<Principal | undefined> {
    const { principal, answered } = await recognise(exchange);
    if (principal || answered) return principal;
    exchange.response.setHeader('www-authenticate', 'Bearer');
    refuse(exchange, 401, 'UNAUTHENTICATED', await whyNobody(authenticator));
    return undefined;
  }

  return {
    admit,
    recognise,
    async identify({ request, client }) {
      const { authorization, cookie } = request.headers;
      if (authorization === undefined && cookie === undefined) return undefined;
      // For answers that everybody gets, in more or less detail: with the database away it is the one without.
      return authenticator.authenticate(presentedBy(request, client)).catch(() => undefined);
    },
    async admitFor(action, exchange, workspaceId) {
      const principal = await admit(exchange);
      if (!principal) return undefined;
      const { actor } = principal;
      const decision = decide(actor, action, { workspaceId });
      if (decision.allowed) return principal;
      refuse(exchange, 403, 'FORBIDDEN', decision.message, { reason: decision.reason, action });
      return undefined;
    },
  };
}

/** What a request brings to be recognised by. */
export function presentedBy(request: IncomingMessage, client: Client, workspaceId?: string): Presented {
  return {
    cookie: request.headers.cookie,
    authorization: request.headers.authorization,
    workspaceId,
    address: client.address,
    userAgent: request.headers['user-agent'],
    isLocal: client.isLocal,
    baseUrl: client.baseUrl,
  };
}

/** @returns the raw id of `Workspace:uuid`; null when it is not of that form */
export function workspaceOf(id: unknown): string | null | undefined {
  if (id === undefined || id === null || id === '') return undefined;
  if (typeof id !== 'string') return null;
  return /^Workspace:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$/i.exec(id)?.[1]?.toLowerCase() ?? null;
}

export async function whyNobody(authenticator: Authenticator): Promise<string> {
  return (await authenticator.hasOwner())
    ? 'Sign in, or send an API key as a bearer token.'
    : 'This hive has no owner yet. Open the one-time setup link that it printed at its start; `npx -y pnpm@12 hive admin link` on its machine prints another.';
}

/** What to answer when nobody could be recognised because looking failed. */
export function describeFailure(error: unknown): [status: number, code: ErrorCode, message: string] {
  if (error instanceof DomainError && error.code === 'FORBIDDEN') return [403, 'FORBIDDEN', error.message];
  if (isTransient(error) || (error instanceof DomainError && error.code === 'UNAVAILABLE'))
    return [503, 'UNAVAILABLE', 'Who you are cannot be checked at the moment. Try again shortly.'];
  throw error;
}

function refuse(
  { response }: Exchange,
  status: number,
  code: ErrorCode,
  message: string,
  extensions: Record<string, unknown> = {},
): void {
  sendError(response, status, code, message, extensions);
}

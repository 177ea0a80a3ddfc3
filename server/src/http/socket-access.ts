import type { IncomingMessage } from 'node:http';
import { GraphQLError } from 'graphql';
import { CloseCode } from 'graphql-ws';
import type { Authenticator, Presented, Principal } from '../engines/security/principal.ts';
import { describeFailure, presentedBy, workspaceOf } from './access-gate.ts';
import type { AccessWatch } from './access-watch.ts';
import { tooMany, type Allowances } from './allowance.ts';
import type { Client } from './client-of.ts';
import { closeCodes } from './close-codes.ts';

export interface SocketAccessDeps {
  authenticator: Authenticator;
  allowances: Allowances;
  watch: AccessWatch;
}

/** A socket as its access sees it. */
interface GuardedSocket {
  /** Ends everything at once: running operations, what waits to be sent, then the socket. */
  end(closing: { code: number; reason: string }): void;
}

export interface SocketAccess {
  /** At `connection_init`. @returns false when the socket was ended */
  connect(connectionParams: Readonly<Record<string, unknown>> | undefined): Promise<boolean>;
  /** Before each operation: who asks now, within their limits. @throws GraphQLError for the operation's error message */
  admit(): Promise<Principal>;
  /** The socket is gone. */
  release(): void;
}

/**
 * Who is behind one WebSocket. Recognised when it is opened, watched while it is open, and recognised anew with each
 * operation, like each request over HTTP: what changed since then holds at once.
 */
export function createSocketAccess(
  deps: SocketAccessDeps,
  request: IncomingMessage,
  client: Client,
  socket: GuardedSocket,
): SocketAccess {
  const { authenticator, allowances, watch } = deps;
  let presented: Presented = presentedBy(request, client);
  let principal: Principal | undefined;
  let isReleased = false;
  let stopWatching = () => {};

  async function recognise(): Promise<Principal | undefined> {
    const found = await authenticator.authenticate(presented);
    if (!found && !client.isLocal) await allowances.ofAddress(client.address);
    return found;
  }

  return {
    async connect(params) {
      const workspaceId = workspaceOf(params?.['workspace']);
      if (workspaceId === null) {
        socket.end({ code: CloseCode.BadRequest, reason: 'workspace must be an id like Workspace:uuid' });
        return false;
      }
      const authorization = params?.['authorization'] ?? request.headers.authorization;
      presented = {
        ...presented,
        workspaceId,
        authorization: typeof authorization === 'string' ? authorization : undefined,
      };
      try {
        principal = await recognise();
      } catch (error) {
        socket.end(describeFailure(error)[0] === 403 ? closeCodes.forbidden : closeCodes.cannotCheck);
        return false;
      }
      if (!principal) {
        socket.end(closeCodes.forbidden);
        return false;
      }
      if (isReleased) return false;
      // From here on it is this workspace's, also when the person turns to another one elsewhere.
      presented = { ...presented, workspaceId: principal.actor.workspaceId };
      stopWatching = watch.add(principal, socket.end);
      return true;
    },
    async admit() {
      let now: Principal | undefined;
      try {
        now = await recognise();
      } catch (error) {
        const [, code, message] = describeFailure(error);
        throw new GraphQLError(message, { extensions: { code } });
      }
      if (!now || !principal || now.stamp !== principal.stamp) {
        socket.end(closeCodes.forbidden);
        throw new GraphQLError('Your access has ended or changed.', { extensions: { code: 'FORBIDDEN' } });
      }
      const allowance = await allowances.ofPrincipal(now);
      if (!allowance || allowance.allowed) return now;
      const { message, retryAfterMs } = tooMany(allowance);
      throw new GraphQLError(message, { extensions: { code: 'RATE_LIMITED', retryAfterMs } });
    },
    release() {
      isReleased = true;
      stopWatching();
    },
  };
}

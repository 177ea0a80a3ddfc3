import type { Actor } from './actor.ts';

/** What an actor was recognised by, so that its end can be noticed while a socket stays open. */
export type Credential =
  | { type: 'SESSION'; id: string; userId: string; expiresAt: number }
  | { type: 'API_KEY'; id: string; expiresAt: number | undefined }
  /** A token a key was exchanged for: ends with the key. */
  | { type: 'SERVICE_TOKEN'; keyId: string; expiresAt: number }
  | { type: 'LOCAL' };

export interface Principal {
  actor: Actor;
  credential: Credential;
  /** Changes with every change of what the actor may see: role, grants, scopes, membership. */
  stamp: string;
}

/** What a request or a socket brings to be recognised by. */
export interface Presented {
  /** The Cookie header. */
  cookie?: string | undefined;
  /** The Authorization header, or the same in `connectionParams`: `Bearer …`. */
  authorization?: string | undefined;
  /** Raw id of the workspace asked for; the last used or first one when absent. */
  workspaceId?: string | undefined;
  /** Of the peer, behind trusted proxies that of the client. */
  address: string;
  userAgent?: string | undefined;
  /** Straight from this machine, under a loopback name and through no proxy. */
  isLocal: boolean;
  /** Scheme and host as the client used them, without a slash at the end: they tell which cookie is the session's. */
  baseUrl: string;
}

/** Recognises actors. Built in app.ts from sessions, keys and members. */
export interface Authenticator {
  /**
   * @returns undefined when nothing that is valid was presented
   * @throws DomainError FORBIDDEN when the workspace asked for is not theirs
   */
  authenticate(presented: Presented): Promise<Principal | undefined>;
  /**
   * Looks again, past every cache, whether those behind open sockets may still do what they could.
   * @returns for each, in order, whether it is unchanged; one query a kind of credential, whatever their number
   */
  stillValid(principals: readonly Principal[]): Promise<boolean[]>;
  /** Whether the hive has an owner: from then on nobody is let in without signing in. */
  hasOwner(): Promise<boolean>;
}

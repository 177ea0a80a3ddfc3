import type { Pool } from 'pg';
import type { Json } from '../lib/json.ts';
import type { Logger } from '../lib/log.ts';
import type { SecretKeys } from './secret-keys.ts';

export interface OAuthClient {
  clientId: string;
  clientSecret: string;
}

export interface OpenIdClient extends OAuthClient {
  /** Serves `/.well-known/openid-configuration`. */
  issuer: string;
  /** On the sign-in page. */
  name: string;
}

/** Who is a member of what: the identity service knows people, not workspaces. */
export interface MembershipPorts {
  /** Makes the user the owner of the first workspace; when they are, nothing happens. */
  addOwner(userId: string): Promise<void>;
  hasOwner(): Promise<boolean>;
  /** Users who own a workspace, the longest-standing owner first. */
  listOwners(): Promise<string[]>;
  /** @param tokenHash SHA-256 of the invitation's token */
  findInvitation(
    tokenHash: Buffer,
  ): Promise<{ workspaceName: string; role: string; expiresAt: number } | undefined>;
  /** GONE: the invitation was used, revoked or has expired. MEMBER: they are one already, and it stays open. */
  acceptInvitation(tokenHash: Buffer, userId: string): Promise<'JOINED' | 'MEMBER' | 'GONE'>;
  /** Of any workspace. */
  isMember(userId: string): Promise<boolean>;
  verifyApiKey(secret: string): Promise<{ keyId: string } | undefined>;
}

export type IdentityEventType =
  | 'account.linked'
  | 'account.unlinked'
  | 'device.paired'
  | 'device.pairing_started'
  | 'invitation.accepted'
  | 'owner.reset'
  | 'passkey.added'
  | 'passkey.removed'
  | 'password.changed'
  | 'recovery.codes_replaced'
  | 'recovery.used'
  | 'service_token.issued'
  | 'service_token.refused'
  | 'session.revoked'
  | 'setup.completed'
  | 'setup.link_created'
  | 'sign_in.failed'
  | 'sign_in.succeeded'
  | 'sign_in.throttled'
  | 'sign_out'
  | 'step_up.failed'
  | 'step_up.succeeded'
  | 'two_factor.disabled'
  | 'two_factor.enabled';

/** What happened, for the audit trail. Never holds a password, code or token. */
export interface IdentityEvent {
  type: IdentityEventType;
  userId?: string | undefined;
  /** As in `SessionMethod`. */
  method?: string | undefined;
  address?: string | undefined;
  userAgent?: string | undefined;
  detail?: Record<string, Json>;
}

/** Buckets of attempts; app.ts gives each its size from `attemptLimits`. */
export type AttemptBucket = 'identity.address' | 'identity.account';

export interface IdentityOptions {
  /** Connects as hive_system, the only role that may read the schema `identity`. */
  pool: Pool;
  secretKeys: SecretKeys;
  sessionDays: number;
  /** `iss` and `aud` of service tokens: the URL that stands for this hive, whatever host it is reached under. */
  serviceIssuer: string;
  publicUrl?: string | undefined;
  /** Where a phone on the same network reaches the hive, when it listens beyond loopback: for pairing codes shown on loopback. */
  phoneUrl?(): string | undefined;
  oauth: {
    github?: OAuthClient | undefined;
    google?: OAuthClient | undefined;
    oidc?: OpenIdClient | undefined;
  };
  /** Whether an origin is one under which the hive is reached. */
  isTrustedOrigin(origin: string): boolean;
  throttle(bucket: AttemptBucket, key: string): Promise<{ allowed: boolean; retryAfterMs: number }>;
  /** Its rejection fails the request: what cannot be recorded does not happen unseen. */
  onEvent(event: IdentityEvent): Promise<void>;
  members: MembershipPorts;
  log: Logger;
}

export interface RequestFacts {
  /** Of the client, behind trusted proxies too. */
  address: string;
  /** Straight from this machine, see `clientOf`. */
  isLocal: boolean;
  /** Scheme and host the client used, without a slash at the end, checked to be ours. */
  baseUrl: string;
}

export interface SessionFacts {
  id: string;
  userId: string;
  /** ms since 1970, as the others */
  expiresAt: number;
  steppedUpAt?: number;
}

export interface Person {
  id: string;
  name: string;
  email: string;
  erased: boolean;
}

/** How a session came to be; OAuth adds its provider. */
export type SessionMethod =
  | 'PASSWORD'
  | 'PASSKEY'
  | 'RECOVERY'
  | 'PAIRING'
  | 'INVITATION'
  | 'SETUP'
  | `OAUTH:${string}`;

/** Sizes of the buckets of attempts: enough for typing errors and a family behind one address, too little for guessing. */
export const attemptLimits: Record<AttemptBucket, { burst: number; refillSeconds: number }> = {
  'identity.address': { burst: 30, refillSeconds: 120 },
  'identity.account': { burst: 20, refillSeconds: 1_200 },
};

import type { MikroORM } from '@mikro-orm/postgresql';
import type { Pool } from 'pg';
import { settings, type HiveConfig } from './config/schema.ts';
import { getAt } from './config/values-at.ts';
import { createAuditRecorder, type AuditRecorder } from './engines/security/audit-recorder.ts';
import { startAuditSealer } from './engines/security/audit-sealer.ts';
import { assertKeyOfDatabase } from './engines/security/key-mark.ts';
import { Keyring } from './engines/security/keyring.ts';
import { registerSecretValue } from './engines/security/redaction.ts';
import type { Authenticator } from './engines/security/principal.ts';
import { TokenBuckets, type RateLimiter } from './engines/security/rate-limit.ts';
import type { ApiRoutes } from './http/api-routes.ts';
import { reachableUrl } from './http/addresses.ts';
import { createDownloadRoutes } from './http/download-routes.ts';
import { isOurOrigin } from './http/request-guard.ts';
import { createAuthenticator } from './identity/authenticator.ts';
import { createIdentity, type Identity } from './identity/identity.ts';
import { attemptLimits, type IdentityEvent } from './identity/identity-options.ts';
import { createMembershipPorts } from './identity/membership-ports.ts';
import { createUseRecorder } from './identity/use-recorder.ts';
import type { Clock } from './lib/clock.ts';
import type { Logger } from './lib/log.ts';
import { startLoop } from './lib/loop.ts';
import { networkOf } from './lib/network-of.ts';
import { createAuditManager, type AuditManager } from './managers/audit-manager.ts';
import { originOf, type OnDenied } from './managers/authorise.ts';
import { createSecretsManager, type SecretsManager } from './managers/secrets-manager.ts';
import { createSecurityManager, type SecurityManager } from './managers/security-manager.ts';
import { inSystemTransaction } from './managers/transaction.ts';
import { applyAuditRetention, forgetAuditOrigins } from './stores/audit-store.ts';
import { sqlOfPool, type Sql } from './stores/sql.ts';

export interface SecurityOptions {
  orm: MikroORM;
  systemPool: Pool;
  config: () => HiveConfig;
  /** Where the server listens. */
  listening: { port: number; url: string };
  homeWorkspaceId: string;
  clock: Clock;
  log: Logger;
  /** After the commit of a change that wrote events. */
  onChanged(): void;
  onWorkspaceCreated(workspaceId: string): Promise<void>;
  /** A secret of the first workspace was set or deleted. */
  onSecretChanged(): void;
}

/** Everything about who may do what, and its record. */
export interface Security {
  authenticator: Authenticator;
  identity: Identity;
  securityManager: SecurityManager;
  auditManager: AuditManager;
  secretsManager: SecretsManager;
  rateLimiter: RateLimiter;
  onDenied: OnDenied;
  routes: ApiRoutes;
  /** Something was committed in this process. */
  committed(): void;
  /** The configuration was reloaded: which settings changed goes on record, their values do not. */
  configured(before: HiveConfig, after: HiveConfig): void;
  stop(): Promise<void>;
}

const hourMs = 3_600_000;
const keyWatchMs = 2_000;
const modelKeyWatchMs = 5_000;

/** The security half of app.ts: builds its parts, connects them and starts their loops. */
export async function createSecurity(options: SecurityOptions): Promise<Security> {
  const { orm, systemPool, clock, log, homeWorkspaceId, onChanged } = options;
  const { identity: identityConfig, security, dataDir, redis } = options.config();
  registerConfiguredSecrets(options.config());
  const systemSql = sqlOfPool(systemPool);
  const transaction = <T>(work: (sql: Sql) => Promise<T>) => inSystemTransaction(systemPool, work);
  const sealer = startAuditSealer({ transaction, clock, log });
  const recorder = createAuditRecorder({ systemSql, clock, log, onWritten: () => sealer.wake() });
  const onDenied = deniedRecorder(recorder);
  const keyring = new Keyring({
    dataDir,
    secretKey: security.secretKey,
    previousSecretKey: security.previousSecretKey,
    keepRetiredDays: identityConfig.sessionDays,
  });
  await assertKeyOfDatabase(systemSql, keyring, log);
  const limits = await createLimiter(redis.url, clock, log);
  const members = createMembershipPorts({
    systemSql,
    inSystemTransaction: transaction,
    homeWorkspaceId,
    onChanged,
  });
  const identity = createIdentity({
    ...identitySettings(options),
    pool: systemPool,
    secretKeys: keyring.secretKeys(),
    throttle: async (bucket, key) =>
      limits.limiter.take(
        bucket,
        bucket === 'identity.address' ? networkOf(key) : key,
        attemptLimits[bucket],
      ),
    onEvent: async (event) => {
      if (event.userId !== undefined) authenticator.forget(event.userId);
      recorder.record(await entryOfIdentity(systemSql, homeWorkspaceId, event));
    },
    members,
    log,
  });
  const uses = createUseRecorder({ systemSql, clock, log, record: (entry) => recorder.record(entry) });
  const authenticator = createAuthenticator({
    ...{ systemSql, identity, homeWorkspaceId, clock },
    onKeyUsed: (use) => uses.keyUsed(use),
    onMemberSeen: (workspaceId, userId) => uses.memberSeen(workspaceId, userId),
  });
  const securityManager = createSecurityManager({
    ...{ orm, systemPool, identity, homeWorkspaceId, onDenied, onChanged },
    baseUrl: ({ request }) => request?.baseUrl ?? options.listening.url,
    hasFolder: (slug) => options.config().workspaces.folders[slug] !== undefined,
    onWorkspaceCreated: options.onWorkspaceCreated,
  });
  const auditManager = createAuditManager({ orm, onDenied });
  const secretsManager = createSecretsManager({
    ...{ orm, systemSql, keyring, homeWorkspaceId, transaction, onDenied },
    reencryptAlso: () => identity.reencrypt(keyring.secretKeys()),
    onChanged: (workspaceId) => {
      if (workspaceId === homeWorkspaceId) options.onSecretChanged();
    },
  });
  const loops = startSecurityLoops(options, { systemSql, identity, keyring });
  return {
    ...{ authenticator, identity, securityManager, auditManager, secretsManager, onDenied },
    rateLimiter: limits.limiter,
    routes: createDownloadRoutes({ auditManager, securityManager, log }),
    committed: () => sealer.wake(),
    configured: (before, after) => recordConfigChange(recorder, homeWorkspaceId, before, after),
    async stop() {
      for (const loop of loops) await loop.stop();
      await uses.stop();
      await recorder.stop();
      await sealer.stop();
      await limits.stop();
    },
  };
}

/** What is known to be secret is then found in anything logged or put on record, whatever it is called there. */
function registerConfiguredSecrets(config: HiveConfig): void {
  for (const { path, secret } of settings) {
    const value = getAt(config, path);
    if (secret === undefined || typeof value !== 'string') continue;
    const text = secret === 'whole' ? value : decodeURIComponent(URL.parse(value)?.password ?? '');
    if (text !== '') registerSecretValue(text);
  }
}

function recordConfigChange(
  recorder: AuditRecorder,
  workspaceId: string,
  before: HiveConfig,
  after: HiveConfig,
): void {
  const changed = settings.filter(
    ({ path }) => JSON.stringify(getAt(before, path)) !== JSON.stringify(getAt(after, path)),
  );
  if (changed.length === 0) return;
  recorder.record({
    workspaceId,
    actorKind: 'SYSTEM',
    actorId: null,
    action: 'config.change',
    outcome: 'ALLOWED',
    detail: { settings: changed.map(({ path }) => path.join('.')) },
  });
}

function identitySettings({ config, homeWorkspaceId, listening }: SecurityOptions) {
  const { identity, server } = config();
  const { github, google, oidc } = identity;
  const guard = { port: listening.port, config: server };
  const client = (given: { clientId?: string; clientSecret?: string }) =>
    given.clientId === undefined || given.clientSecret === undefined
      ? undefined
      : { clientId: given.clientId, clientSecret: given.clientSecret };
  const oidcClient = client(oidc);
  return {
    sessionDays: identity.sessionDays,
    serviceIssuer:
      server.publicUrl === undefined ? `urn:uuid:${homeWorkspaceId}` : new URL(server.publicUrl).origin,
    publicUrl: server.publicUrl,
    phoneUrl: () => reachableUrl(server, listening.url),
    isTrustedOrigin: (origin: string) => isOurOrigin(origin, 'http', guard),
    oauth: {
      github: client(github),
      google: client(google),
      oidc:
        oidcClient === undefined || oidc.issuer === undefined
          ? undefined
          : { ...oidcClient, issuer: oidc.issuer, name: oidc.name },
    },
  };
}

async function createLimiter(redisUrl: string | undefined, clock: Clock, log: Logger) {
  if (redisUrl === undefined)
    return { limiter: new TokenBuckets({ clock }) as RateLimiter, stop: () => Promise.resolve() };
  const { RedisRateLimiter } = await import('./engines/security/redis-rate-limit.ts');
  const limiter = new RedisRateLimiter({ url: redisUrl, clock, log });
  limiter.start();
  return { limiter: limiter as RateLimiter, stop: async () => limiter.stop() };
}

function startSecurityLoops(
  { config, clock, log, systemPool, homeWorkspaceId, onSecretChanged }: SecurityOptions,
  { systemSql, identity, keyring }: { systemSql: Sql; identity: Identity; keyring: Keyring },
) {
  let keyId = keyring.current.id;
  return [
    startLoop({
      ...{ name: 'security-housekeeping', intervalMs: hourMs, clock, log },
      async turn() {
        const { auditRetentionDays, addressRetentionDays } = config().security;
        await identity.removeExpired();
        await forgetAuditOrigins(systemSql, addressRetentionDays);
        if (auditRetentionDays > 0)
          await inSystemTransaction(systemPool, (sql) => applyAuditRetention(sql, auditRetentionDays));
      },
    }),
    // `hive secrets rotate` may run beside this process: from then on it signs and encrypts with the new key, too.
    startLoop({
      ...{ name: 'key-watch', intervalMs: keyWatchMs, clock, log },
      async turn() {
        const { id } = keyring.current;
        if (id === keyId) return;
        await identity.reencrypt(keyring.secretKeys());
        keyId = id;
      },
    }),
    startModelKeyWatch({ clock, log, homeWorkspaceId, systemSql, onSecretChanged }),
  ];
}

/** A key of a language model may be stored through another server, too. */
function startModelKeyWatch({
  systemSql,
  homeWorkspaceId,
  onSecretChanged,
  ...loop
}: Pick<SecurityOptions, 'clock' | 'log' | 'homeWorkspaceId' | 'onSecretChanged'> & { systemSql: Sql }) {
  let known: string | undefined;
  return startLoop({
    ...{ ...loop, name: 'model-key-watch', intervalMs: modelKeyWatchMs },
    async turn() {
      const rows = await systemSql.rows<{ state: string }>(
        `/* stateOfModelKeys */
        select count(*) || ' ' || coalesce(max(updated_at)::text, '') as state from secret
        where workspace_id = $1 and name like 'llm.%'`,
        [homeWorkspaceId],
      );
      const state = rows[0]?.state;
      if (known !== undefined && state !== known) onSecretChanged();
      known = state;
    },
  });
}

function deniedRecorder(recorder: AuditRecorder): OnDenied {
  return (scope, action, resource, reason) =>
    recorder.record({
      ...originOf(scope),
      workspaceId: scope.workspaceId,
      action,
      outcome: 'DENIED',
      detail: { reason, ...(resource.projectId ? { projectId: resource.projectId } : {}) },
    });
}

/** Signing in belongs to no workspace: it is recorded where the person was last, and what nobody did in the first one. */
async function entryOfIdentity(systemSql: Sql, homeWorkspaceId: string, event: IdentityEvent) {
  const { type, userId, method, address, userAgent, detail } = event;
  const isRefusal = /\.(failed|throttled|refused)$/.test(type);
  // Whoever tried to sign in as somebody is not known to be them, and their address is not that person's.
  const isStranger = type === 'sign_in.failed' || type === 'sign_in.throttled';
  const actorId = isStranger ? undefined : userId;
  return {
    workspaceId: (userId && (await lastWorkspaceOf(systemSql, userId))) || homeWorkspaceId,
    // Without an address nobody asked: it was the hive itself, or a command on the machine.
    actorKind: actorId !== undefined ? 'USER' : address === undefined ? 'SYSTEM' : 'ANONYMOUS',
    actorId: actorId ?? null,
    action: type,
    outcome: isRefusal ? ('FAILED' as const) : ('ALLOWED' as const),
    ...(isStranger && userId !== undefined ? { subjectType: 'Person', subjectId: userId } : {}),
    detail: { ...detail, ...(method === undefined ? {} : { method }) },
    ...(address === undefined ? {} : { address }),
    ...(userAgent === undefined ? {} : { userAgent }),
  };
}

async function lastWorkspaceOf(systemSql: Sql, userId: string): Promise<string | undefined> {
  const [row] = await systemSql.rows<{ workspace_id: string }>(
    `/* lastWorkspaceOf */
    select workspace_id from membership where user_id = $1 order by last_seen_at desc nulls last, created_at limit 1`,
    [userId],
  );
  return row?.workspace_id;
}

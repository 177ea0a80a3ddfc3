import { randomBytes } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { TokenBuckets } from '../../../server/src/engines/security/rate-limit.ts';
import { createApiKeySecret, hashApiKey } from '../../../server/src/engines/security/api-key.ts';
import { answerAuth } from '../../../server/src/http/auth-http.ts';
import { clientOf } from '../../../server/src/http/client-of.ts';
import { createIdentity, type Identity } from '../../../server/src/identity/identity.ts';
import { type IdentityEvent, type IdentityOptions } from '../../../server/src/identity/identity-options.ts';
import { createMembershipPorts } from '../../../server/src/identity/membership-ports.ts';
import { hashToken } from '../../../server/src/identity/one-time-token.ts';
import { systemClock } from '../../../server/src/lib/clock.ts';
import { sqlOfPool } from '../../../server/src/stores/sql.ts';
import { inIdentityTransaction } from '../../../server/src/identity/transaction.ts';
import { createTestDatabase, type TestDatabase } from '../../support/database.ts';
import { silentLog } from '../../support/log.ts';
import { Browser } from './browser.ts';

export const password = 'correct horse battery';
export const serviceIssuer = 'https://hive.example';

export interface TestHive {
  database: TestDatabase;
  identity: Identity;
  options: IdentityOptions;
  events: IdentityEvent[];
  /** `http://localhost:port` */
  baseUrl: string;
  port: number;
  /** At an address of its own, so that the limits of one test are not those of another. */
  browser(host?: string): Browser;
  /** Straight from this machine. */
  localBrowser(): Browser;
  /** The owner, signed in with a password in a browser of theirs. */
  setUp(email?: string): Promise<{ owner: Browser; userId: string; recoveryCodes: string[] }>;
  invite(role?: string): Promise<string>;
  /** @returns the key's secret and id */
  apiKey(): Promise<{ secret: string; keyId: string }>;
  /** The same hive with other keys or providers, over the same database. */
  restart(overrides: Partial<IdentityOptions>): Promise<void>;
  stop(): Promise<void>;
}

let addresses = 0;

/** The identity service behind a real HTTP server, on a database of its own, with the real members; limits far away. */
export async function startIdentity(overrides: Partial<IdentityOptions> = {}): Promise<TestHive> {
  const database = await createTestDatabase();
  const events: IdentityEvent[] = [];
  const buckets = new TokenBuckets({ clock: systemClock });
  let port = 0;
  const names = () => [`localhost:${port}`, `127.0.0.1:${port}`, `hive.localhost:${port}`, 'hive.example'];
  let options: IdentityOptions = {
    pool: database.systemPool,
    secretKeys: { current: { version: 1, key: randomBytes(32) } },
    sessionDays: 30,
    serviceIssuer,
    oauth: {},
    isTrustedOrigin: (origin) => names().some((name) => origin.endsWith(`://${name}`)),
    throttle: async (bucket, key) => buckets.take(bucket, key, { burst: 1_000, refillSeconds: 60 }),
    onEvent: async (event) => {
      events.push(event);
    },
    members: createMembershipPorts({
      systemSql: sqlOfPool(database.systemPool),
      inSystemTransaction: (work) => inIdentityTransaction(database.systemPool, work),
      homeWorkspaceId: database.workspaceId,
      onChanged: () => {},
    }),
    log: silentLog,
    ...overrides,
  };
  let identity = createIdentity(options);
  const server = createServer((request, response) => {
    // Nobody is local where a proxy of this machine is trusted: browsers of the tests come through one, the local one does not.
    const isProxied = request.headers['x-forwarded-for'] !== undefined;
    const trustedProxies = isProxied ? ['127.0.0.1', '::1'] : [];
    const { address, isLocal, baseUrl } = clientOf(request, { trustedProxies });
    void answerAuth(identity, request, response, { address, isLocal, baseUrl });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
  const baseUrl = `http://localhost:${port}`;

  const hive: TestHive = {
    database,
    get identity() {
      return identity;
    },
    get options() {
      return options;
    },
    events,
    baseUrl,
    port,
    browser(host = `localhost:${port}`) {
      addresses += 1;
      const address = `203.0.${addresses >> 8}.${addresses & 255}`;
      const headers = { 'x-forwarded-for': address, 'x-forwarded-host': host };
      return new Browser(`http://${host}`, headers, baseUrl);
    },
    localBrowser: () => new Browser(baseUrl, {}),
    async setUp(email = 'ada@hive.example') {
      const { url } = await identity.createSetupLink(baseUrl);
      const owner = hive.browser();
      const { status, body } = await owner.post('/hive/setup', {
        token: url.split('token=')[1],
        name: 'Ada',
        email,
        password,
      });
      if (status !== 200) throw new Error(`Setting up failed: ${JSON.stringify(body)}`);
      return { owner, userId: body.user.id, recoveryCodes: body.recoveryCodes };
    },
    async invite(role = 'OPERATOR') {
      const token = randomBytes(32).toString('base64url');
      const { rows } = await database.pool.query(
        `select user_id from membership where role = 'OWNER' limit 1`,
      );
      await database.pool.query(
        `insert into invitation (workspace_id, token_hash, role, project_access, grants, note, invited_by, expires_at)
        values ($1, $2, $3, 'ALL', '[]', '', $4, now() + interval '1 day')`,
        [database.workspaceId, hashToken(token), role, rows[0].user_id],
      );
      return token;
    },
    async apiKey() {
      const secret = createApiKeySecret();
      const { rows } = await database.pool.query(
        `insert into api_key (workspace_id, name, start, secret_hash, role, created_by, expires_at)
        select $1, 'test', left($2, 9), $3, 'OPERATOR', user_id, now() + interval '1 day'
        from membership where role = 'OWNER' limit 1 returning id`,
        [database.workspaceId, secret, hashApiKey(secret)],
      );
      return { secret, keyId: rows[0].id };
    },
    async restart(changes) {
      options = { ...options, ...changes };
      identity = createIdentity(options);
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await database.drop();
    },
  };
  return hive;
}

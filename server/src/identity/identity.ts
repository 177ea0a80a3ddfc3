import { InvalidStateError, NotFoundError } from '../lib/errors.ts';
import type { Json } from '../lib/json.ts';
import { sqlOfPool, type Sql } from '../stores/sql.ts';
import type { AuthInstance } from './auth-instance.ts';
import { maxBodyBytes, needsProviders, pathOf, refusal, refuseEntry } from './entry-guard.ts';
import type { IdentityOptions, Person, RequestFacts, SessionFacts } from './identity-options.ts';
import { createSetupToken } from './one-time-store.ts';
import { dropCredentials, findPeople, pseudonymise, readPerson } from './people-store.ts';
import { tidyResponse } from './tidy-response.ts';
import { reencryptIdentity } from './reencrypt.ts';
import { derivedSecrets, type SecretKeys } from './secret-keys.ts';
import { createServiceTokenVerifier, type VerifiedServiceToken } from './service-token.ts';
import { findLiveSessions, findSessionByToken, removeExpired, revokeSessions } from './session-store.ts';
import { cookiePrefix, readSessionToken, resignCookies, signCookie } from './signed-cookies.ts';
import { inIdentityTransaction } from './transaction.ts';

export interface Identity {
  /** Answers `/api/auth/*`. */
  handle(request: Request, facts: RequestFacts): Promise<Response>;
  /**
   * The session of a Cookie header, when it is live: one query, and none without a cookie that we signed.
   * @param baseUrl of the request: https has cookies of its own
   */
  findSession(cookie: string, baseUrl: string): Promise<SessionFacts | undefined>;
  /** Those that are still live, in one query. */
  findSessions(ids: readonly string[]): Promise<SessionFacts[]>;
  /** Whether its API key is still good is for the caller to see. */
  verifyServiceToken(token: string): Promise<VerifiedServiceToken | undefined>;
  findPeople(ids: readonly string[]): Promise<Person[]>;
  /** All that is known of a person here, without secrets. @throws NotFoundError */
  exportPerson(userId: string): Promise<Json>;
  /**
   * Ends every way in and leaves a pseudonym.
   * @param within a transaction of the same role, in which the memberships end too; one of its own when absent
   * @throws NotFoundError
   */
  erasePerson(userId: string, within?: Sql): Promise<void>;
  /** A one-time link, good for 15 minutes; earlier ones end. @throws InvalidStateError when there is an owner already */
  createSetupLink(baseUrl: string): Promise<{ url: string; expiresAt: Date }>;
  /**
   * Ends every way in of an owner and makes a link that gives the same account new ones.
   * @param email which owner; the longest-standing one when absent
   * @throws InvalidStateError when there is no such owner
   */
  resetOwner(baseUrl: string, email?: string): Promise<{ url: string; email: string; expiresAt: Date }>;
  /** @returns how many ended */
  revokeSessionsOf(userId: string): Promise<number>;
  /** Rewrites what an earlier key encrypted, and uses `keys` from now on. @returns how many values */
  reencrypt(keys: SecretKeys): Promise<number>;
  /** Removes sessions, challenges and links whose time is over. @returns how many */
  removeExpired(): Promise<number>;
}

/** Origins one hive is reached under at the same time; an instance takes some 1 MB. */
const mostInstances = 6;
/** Until an OpenID provider that did not answer is asked again. */
const retryProviderMs = 10_000;

/**
 * People, credentials and sessions. Nothing of better-auth is loaded before the first request to it: what every request
 * needs, looking up its session or token, is done here with one query.
 */
export function createIdentity(given: IdentityOptions): Identity {
  const options = { ...given };
  const { pool, members } = options;
  const sql = sqlOfPool(pool);
  const instances = createInstances(options);
  const verifyServiceToken = createServiceTokenVerifier(sql, options.serviceIssuer);
  let secrets = derivedSecrets(options.secretKeys).map(({ value }) => value);

  return {
    async handle(request, facts) {
      const body = await readText(request);
      if (body === undefined) return refusal(413, 'TOO_LARGE', `A body may have ${maxBodyBytes} bytes.`);
      const refused = refuseEntry(request, body, facts, options.isTrustedOrigin);
      if (refused) return refused;
      try {
        const path = pathOf(request)!;
        const instance = await instances.find(facts.baseUrl, needsProviders(path));
        const response = await instance.handler(forwarded(request, body, facts, secrets));
        return await tidyResponse(response, path, renewedCookie(request, facts.baseUrl, secrets, options));
      } catch (error) {
        options.log.error({ error, path: new URL(request.url).pathname }, 'an identity request failed');
        return refusal(500, 'INTERNAL', 'Something went wrong on the server. Its log says what.');
      }
    },
    async findSession(cookie, baseUrl) {
      const signed = readSessionToken(cookie, baseUrl, secrets);
      return signed && findSessionByToken(sql, signed.token);
    },
    findSessions: (ids) => findLiveSessions(sql, ids),
    verifyServiceToken,
    findPeople: (ids) => findPeople(sql, ids),
    async exportPerson(userId) {
      const person = await readPerson(sql, userId);
      if (person === null) throw new NotFoundError('Person', userId);
      return person;
    },
    async erasePerson(userId, within) {
      const erase = async (transaction: Sql) => {
        await dropCredentials(transaction, userId);
        if (!(await pseudonymise(transaction, userId))) throw new NotFoundError('Person', userId);
      };
      await (within ? erase(within) : inIdentityTransaction(pool, erase));
    },
    async createSetupLink(baseUrl) {
      if (await members.hasOwner())
        throw new InvalidStateError(
          'The hive has an owner already; `hive admin reset` helps them back in.',
          'OWNED',
        );
      const { token, expiresAt } = await createSetupToken(sql);
      await options.onEvent({ type: 'setup.link_created' });
      return { url: linkOf(baseUrl, token), expiresAt };
    },
    async resetOwner(baseUrl, email) {
      const owner = await findOwner(options, await findPeople(sql, await members.listOwners()), email);
      const { token, expiresAt } = await inIdentityTransaction(pool, async (transaction) => {
        await dropCredentials(transaction, owner.id);
        return createSetupToken(transaction, owner.id);
      });
      await options.onEvent({ type: 'owner.reset', userId: owner.id });
      return { url: linkOf(baseUrl, token), email: owner.email, expiresAt };
    },
    revokeSessionsOf: (userId) => revokeSessions(sql, userId),
    async reencrypt(keys) {
      const count = await reencryptIdentity(pool, keys);
      options.secretKeys = keys;
      secrets = derivedSecrets(keys).map(({ value }) => value);
      instances.forget();
      return count;
    },
    removeExpired: () => removeExpired(sql),
  };
}

// As in endpoints/setup-endpoints.ts, which must not be loaded here: it loads better-auth.
const linkOf = (baseUrl: string, token: string) => `${baseUrl}/setup#token=${token}`;

async function findOwner(
  { members }: IdentityOptions,
  people: readonly Person[],
  email: string | undefined,
): Promise<Person> {
  const order = await members.listOwners();
  const owners = people
    .filter(({ erased }) => !erased)
    .sort((left, right) => order.indexOf(left.id) - order.indexOf(right.id));
  const owner = email === undefined ? owners[0] : owners.find((one) => one.email === email.toLowerCase());
  if (owner) return owner;
  throw new InvalidStateError(
    email === undefined
      ? 'The hive has no owner yet: start it and open the setup link it prints.'
      : `No owner has the address ${email}. Owners: ${owners.map((one) => one.email).join(', ') || 'none'}.`,
    'NO_OWNER',
  );
}

/** One for each origin, and another one for the few requests that need the providers; the least recently used goes. */
function createInstances(options: IdentityOptions) {
  const sql = sqlOfPool(options.pool);
  const known = new Map<string, { instance: Promise<AuthInstance>; retryAt: number }>();

  return {
    async find(baseUrl: string, withProviders: boolean): Promise<AuthInstance> {
      const key = `${withProviders ? '+' : ''}${baseUrl}`;
      const kept = known.get(key);
      known.delete(key);
      const entry =
        kept && kept.retryAt > Date.now()
          ? kept
          : {
              instance: import('./auth-instance.ts').then(({ createAuthInstance }) =>
                createAuthInstance(options, sql, baseUrl, withProviders),
              ),
              retryAt: Number.POSITIVE_INFINITY,
            };
      known.set(key, entry);
      for (const oldest of known.keys()) {
        if (known.size <= mostInstances) break;
        known.delete(oldest);
      }
      try {
        const instance = await entry.instance;
        if (!instance.isComplete && entry.retryAt === Number.POSITIVE_INFINITY)
          entry.retryAt = Date.now() + retryProviderMs;
        return instance;
      } catch (error) {
        if (known.get(key) === entry) known.delete(key);
        throw error;
      }
    },
    forget: () => known.clear(),
  };
}

async function readText(request: Request): Promise<string | undefined> {
  if (request.method === 'GET' || request.method === 'HEAD') return '';
  const bytes = await request.arrayBuffer();
  return bytes.byteLength > maxBodyBytes ? undefined : new TextDecoder().decode(bytes);
}

/** The request as better-auth gets it: under the origin that was checked, with our own word on who sent it. */
function forwarded(request: Request, body: string, facts: RequestFacts, secrets: readonly string[]): Request {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers(request.headers);
  for (const name of [...headers.keys()])
    if (name.startsWith('x-hive-') || name.startsWith('x-forwarded-') || name === 'forwarded')
      headers.delete(name);
  for (const name of ['host', 'content-length', 'transfer-encoding', 'connection']) headers.delete(name);
  // Endpoints that take nothing are given an empty object rather than a body they would have to refuse.
  if (body === '' && request.method === 'POST') headers.set('content-type', 'application/json');
  headers.set('x-hive-address', facts.address);
  if (facts.isLocal) headers.set('x-hive-local', 'yes');
  const cookie = headers.get('cookie');
  if (cookie && secrets.length > 1) headers.set('cookie', resignCookies(cookie, facts.baseUrl, secrets));
  return new Request(new URL(pathname + search, facts.baseUrl), {
    method: request.method,
    headers,
    ...(request.method === 'POST' ? { body: body === '' ? '{}' : body } : {}),
  });
}

/** After the key was rotated: the session cookie again, signed with the new one, so that nobody has to sign in anew. */
function renewedCookie(
  request: Request,
  baseUrl: string,
  secrets: readonly string[],
  { sessionDays }: IdentityOptions,
): string | undefined {
  const signed = readSessionToken(request.headers.get('cookie') ?? '', baseUrl, secrets);
  if (!signed?.isStale) return undefined;
  const secure = baseUrl.startsWith('https:') ? '; Secure' : '';
  const value = signCookie(signed.token, secrets[0]!);
  return `${cookiePrefix(baseUrl)}.session_token=${value}; Path=/; Max-Age=${sessionDays * 86_400}; HttpOnly; SameSite=Lax${secure}`;
}

import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import type { Actor } from '../engines/security/actor.ts';
import { hashApiKey, parseApiKey } from '../engines/security/api-key.ts';
import type { Authenticator, Credential, Presented, Principal } from '../engines/security/principal.ts';
import { reachOfKey, reachOfMember, type Reach } from '../engines/security/reach.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/errors.ts';
import { isUuid } from '../lib/ids.ts';
import { hashJson } from '../lib/json.ts';
import {
  findKeyBySecret,
  findKeys,
  findMembership,
  findMemberships,
  type KeyFacts,
  type MemberFacts,
} from '../stores/access-reads.ts';
import { hasOwner } from '../stores/member-store.ts';
import type { Sql } from '../stores/sql.ts';

/** What the authenticator asks the identity service for. */
export interface SessionSource {
  findSession(cookie: string, baseUrl: string): Promise<FoundSession | undefined>;
  /** Those of them that live. */
  findSessions(ids: readonly string[]): Promise<readonly FoundSession[]>;
  verifyServiceToken(token: string): Promise<{ keyId: string; expiresAt: number } | undefined>;
}

export interface FoundSession {
  id: string;
  userId: string;
  /** ms since 1970, as the next */
  expiresAt: number;
  steppedUpAt?: number;
}

export interface KeyUse {
  keyId: string;
  kind: 'API_KEY' | 'SERVICE';
  workspaceId: string;
  /** Who made the key. */
  userId: string;
  address: string;
  userAgent: string | undefined;
}

export interface AuthenticatorDeps {
  /** Of the role hive_system: who asks is not known yet. */
  systemSql: Sql;
  identity: SessionSource;
  homeWorkspaceId: string;
  clock: Pick<Clock, 'now'>;
  /** Called for every request; must not wait for anything. */
  onKeyUsed(use: KeyUse): void;
  onMemberSeen(workspaceId: string, userId: string): void;
}

/** How long a revoked credential may still be taken for valid: fifty clients then cost a query a second and not one a request. */
const cacheMs = 1_000;
const cacheSize = 10_000;

/** A principal without the moment: what stays the same from one request to the next. */
interface Recognised {
  actor: Omit<Actor, 'at'>;
  credential: Exclude<Credential, { type: 'LOCAL' }>;
  stamp: string;
}

/**
 * Recognises actors by session cookie, API key or service token; and whoever is at the machine, while nobody owns the hive.
 * A bearer token that is not valid is never made good by a cookie.
 */
export function createAuthenticator(deps: AuthenticatorDeps): Authenticator & {
  /** What was just found of a person is looked for anew: they have confirmed who they are, or may do something else now. */
  forget(userId: string): void;
} {
  const { systemSql: sql, identity, homeWorkspaceId, clock } = deps;
  const { recognise, forget } = sharedForASecond(clock, (presented: Presented, bearer: string | undefined) =>
    bearer === undefined ? bySession(presented) : byBearer(bearer, presented.workspaceId),
  );

  async function bySession({ cookie, baseUrl, workspaceId }: Presented): Promise<Recognised | undefined> {
    const session = await identity.findSession(cookie!, baseUrl);
    if (!session) return undefined;
    const member = await findMembership(sql, session.userId, asked(workspaceId));
    if (member) return ofSession(session, member);
    if (workspaceId !== undefined) throw notYours();
    throw new DomainError(
      'FORBIDDEN',
      'You are signed in, but a member of no workspace. Ask an owner or admin of one for an invitation.',
    );
  }

  async function byBearer(text: string, workspaceId: string | undefined): Promise<Recognised | undefined> {
    if (text.startsWith('hive_')) {
      const secret = parseApiKey(text);
      const key = secret === undefined ? undefined : await findKeyBySecret(sql, hashApiKey(secret));
      return key && within(workspaceId, ofKey(key));
    }
    const token = await identity.verifyServiceToken(text);
    const [key] = token ? await findKeys(sql, [token.keyId]) : [];
    return token && key && within(workspaceId, ofKey(key, token.expiresAt));
  }

  function noteUse({ actor }: Recognised, { address, userAgent }: Presented): void {
    const { kind, id, workspaceId } = actor;
    if (kind === 'API_KEY' || kind === 'SERVICE')
      deps.onKeyUsed({ keyId: id, kind, workspaceId, userId: actor.userId!, address, userAgent });
    else deps.onMemberSeen(workspaceId, id);
  }

  /** True for ever once it was: an owner can only be followed by another one. */
  let owned = false;
  const isOwned = async () => (owned ||= await hasOwner(sql));
  const isOwnedLately = sharedWhileFresh(clock, isOwned);
  const hasOwnerLately = async () => owned || isOwnedLately();

  return {
    hasOwner: hasOwnerLately,

    async authenticate(presented) {
      const bearer = bearerOf(presented.authorization);
      if (bearer === '') return undefined;
      if (bearer !== undefined || presented.cookie) {
        const found = await recognise(presented, bearer);
        if (found && found.credential.expiresAt! > clock.now()) {
          noteUse(found, presented);
          return { ...found, actor: { ...found.actor, at: clock.now() } };
        }
        if (bearer !== undefined) return undefined;
      }
      // A cookie may be left over from another program on this machine, or from the hive before its database was new.
      if (!presented.isLocal || (await hasOwnerLately())) return undefined;
      if (presented.workspaceId !== undefined && presented.workspaceId !== homeWorkspaceId) throw notYours();
      return localPrincipal(homeWorkspaceId, clock.now());
    },

    async stillValid(principals) {
      const valid = await lookAgain(deps, isOwned, principals);
      // Whoever is told that something changed asks at once what, and must not be told the old answer.
      for (const [index, { actor }] of principals.entries())
        if (!valid[index] && actor.userId !== undefined) forget(actor.userId);
      return valid;
    },

    forget,
  };
}

/** Past every cache: what the same credentials would be recognised as now. */
async function lookAgain(
  { systemSql: sql, identity, clock }: AuthenticatorDeps,
  isOwned: () => Promise<boolean>,
  principals: readonly Principal[],
): Promise<boolean[]> {
  const now = clock.now();
  const sessionIds = new Set<string>();
  const keyIds = new Set<string>();
  const pairs: { workspaceId: string; userId: string }[] = [];
  let hasLocal = false;
  for (const { credential, actor } of principals) {
    if (credential.type === 'LOCAL') hasLocal = true;
    else if (credential.type === 'SESSION') {
      sessionIds.add(credential.id);
      pairs.push({ workspaceId: actor.workspaceId, userId: credential.userId });
    } else keyIds.add(keyIdOf(credential));
  }
  const [sessions, members, keys, isLocalOver] = await Promise.all([
    sessionIds.size > 0 ? identity.findSessions([...sessionIds]) : [],
    pairs.length > 0 ? findMemberships(sql, pairs) : [],
    keyIds.size > 0 ? findKeys(sql, [...keyIds]) : [],
    hasLocal ? isOwned() : false,
  ]);
  const sessionById = new Map(sessions.map((session) => [session.id, session]));
  const memberByPair = new Map(members.map((member) => [pairOf(member), member]));
  const keyById = new Map(keys.map((key) => [key.id, key]));

  return principals.map(({ credential, actor, stamp }) => {
    if (credential.type === 'LOCAL') return !isLocalOver;
    let again: Recognised | undefined;
    if (credential.type === 'SESSION') {
      const session = sessionById.get(credential.id);
      const member = memberByPair.get(pairOf({ ...actor, userId: credential.userId }));
      again = session && member && ofSession(session, member);
    } else {
      const key = keyById.get(keyIdOf(credential));
      const tokenExpiresAt = credential.type === 'SERVICE_TOKEN' ? credential.expiresAt : undefined;
      again = key && ofKey(key, tokenExpiresAt);
    }
    return again !== undefined && again.credential.expiresAt! > now && again.stamp === stamp;
  });
}

function keyIdOf(credential: Extract<Credential, { type: 'API_KEY' | 'SERVICE_TOKEN' }>): string {
  return credential.type === 'API_KEY' ? credential.id : credential.keyId;
}

function ofSession(session: FoundSession, member: MemberFacts): Recognised {
  const { userId, workspaceId } = member;
  const { id, expiresAt, steppedUpAt } = session;
  const reach = reachOfMember(member);
  return {
    actor: {
      ...{ kind: 'USER', id: userId, userId, workspaceId, ...reach },
      ...(steppedUpAt === undefined ? {} : { steppedUpAt }),
    },
    credential: { type: 'SESSION', id, userId, expiresAt },
    stamp: stampOf(reach),
  };
}

/** @param tokenExpiresAt of the service token the key was exchanged for */
function ofKey(key: KeyFacts, tokenExpiresAt?: number): Recognised {
  const { id, maker } = key;
  const reach = reachOfKey(key, maker);
  const { workspaceId, userId } = maker;
  const isToken = tokenExpiresAt !== undefined;
  return {
    actor: { kind: isToken ? 'SERVICE' : 'API_KEY', id, userId, workspaceId, ...reach },
    credential: isToken
      ? { type: 'SERVICE_TOKEN', keyId: id, expiresAt: Math.min(tokenExpiresAt, key.expiresAt) }
      : { type: 'API_KEY', id, expiresAt: key.expiresAt },
    stamp: stampOf(reach),
  };
}

function localPrincipal(workspaceId: string, at: number): Principal {
  const reach: Reach = { role: 'OWNER', projects: 'ALL' };
  return {
    actor: { kind: 'LOCAL', id: 'local', workspaceId, ...reach, at },
    credential: { type: 'LOCAL' },
    stamp: stampOf(reach),
  };
}

function stampOf({ role, projects, grants, scopes }: Reach): string {
  const sorted = (roles: ReadonlyMap<string, string>) =>
    [...roles].toSorted(([left], [right]) => (left < right ? -1 : 1));
  return hashJson({
    role,
    projects: projects === 'ALL' ? 'ALL' : sorted(projects),
    grants: grants ? sorted(grants) : [],
    scopes: scopes ?? null,
  });
}

/** A key belongs to one workspace, whatever was asked for. */
function within(workspaceId: string | undefined, found: Recognised): Recognised {
  if (workspaceId !== undefined && workspaceId !== found.actor.workspaceId) throw notYours();
  return found;
}

function asked(workspaceId: string | undefined): string | undefined {
  if (workspaceId !== undefined && !isUuid(workspaceId)) throw notYours();
  return workspaceId;
}

/** Empty, and so never valid, when it is malformed. Other schemes are left to whoever stands in front. */
function bearerOf(authorization = ''): string | undefined {
  if (!/^bearer(\s|$)/i.test(authorization)) return undefined;
  return /^bearer +(\S+)$/i.exec(authorization.trimEnd())?.[1] ?? '';
}

/** The same for one that does not exist, so that ids cannot be tried. */
function notYours(): DomainError {
  return new DomainError(
    'FORBIDDEN',
    'The workspace asked for does not exist or is not yours. Leave it out to use the one you used last.',
  );
}

function pairOf({ workspaceId, userId }: { workspaceId: string; userId: string }): string {
  return `${workspaceId} ${userId}`;
}

/**
 * Answers for the same credential and workspace are shared while they are fresh, and while they are being looked for. What is
 * not found is not kept: guesses cost a query each, and no memory.
 */
function sharedForASecond(
  clock: Pick<Clock, 'now'>,
  look: (presented: Presented, bearer: string | undefined) => Promise<Recognised | undefined>,
) {
  const cache = new LRUCache<string, { readAt: number; found: Recognised }>({ max: cacheSize });
  const underWay = new Map<string, Promise<Recognised | undefined>>();
  const forgottenAt = new LRUCache<string, number>({ max: cacheSize });

  const forget = (userId: string): void => {
    forgottenAt.set(userId, clock.now());
    // Whose these are is not known yet.
    underWay.clear();
  };

  const recognise = (presented: Presented, bearer: string | undefined): Promise<Recognised | undefined> => {
    const { cookie, baseUrl, workspaceId = '' } = presented;
    const credential = bearer === undefined ? `C\n${baseUrl}\n${cookie}` : `B\n${bearer}`;
    const key = createHash('sha256').update(`${workspaceId}\n${credential}`).digest('base64');
    const now = clock.now();
    const cached = cache.get(key);
    const isFresh = cached && now - cached.readAt < cacheMs && now >= cached.readAt;
    if (isFresh && cached.readAt > (forgottenAt.get(cached.found.actor.userId!) ?? -Infinity))
      return Promise.resolve(cached.found);
    const waiting = underWay.get(key);
    if (waiting) return waiting;
    const looking = look(presented, bearer)
      .then((found) => {
        // From before the question: what was revoked meanwhile is gone a second after its revocation all the same.
        if (found) cache.set(key, { readAt: now, found });
        return found;
      })
      .finally(() => {
        if (underWay.get(key) === looking) underWay.delete(key);
      });
    underWay.set(key, looking);
    return looking;
  };

  return { recognise, forget };
}

/** One question at a time, and none for a second after an answer. */
function sharedWhileFresh<T>(clock: Pick<Clock, 'now'>, ask: () => Promise<T>): () => Promise<T> {
  let last: { at: number; answer: Promise<T> } | undefined;
  return () => {
    const now = clock.now();
    if (last && now - last.at < cacheMs && now >= last.at) return last.answer;
    const answer = ask();
    const asked = (last = { at: now, answer });
    answer.catch(() => {
      if (last === asked) last = undefined;
    });
    return answer;
  };
}

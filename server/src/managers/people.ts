import { z } from 'zod';
import type { Actor } from '../engines/security/actor.ts';
import { decide } from '../engines/security/decide.ts';
import { ForbiddenError, NotFoundError } from '../lib/errors.ts';
import { isUuid } from '../lib/ids.ts';
import type { Json } from '../lib/json.ts';
import { appendAudit, eraseAuditOrigins } from '../stores/audit-store.ts';
import {
  blankTextsOf,
  findPeopleOf,
  listKeyIdsOf,
  listWorkspaceIds,
  lockMemberships,
  membershipsOf,
  readAuditOf,
  readPersonSections,
  type PersonMembership,
} from '../stores/person-store.ts';
import { sqlOfPool, type Sql } from '../stores/sql.ts';
import { forkForTenant, sqlOf } from '../stores/tenancy.ts';
import { assertAllowed, auditedSystemChange, originOf } from './authorise.ts';
import { parseInput } from './input.ts';
import { endMembership } from './members.ts';
import type { KnownPerson, SecurityManagerDeps } from './security-manager.ts';
import type { Scope } from './transaction.ts';

const erasePersonInput = z.object({ personId: z.uuid(), idempotencyKey: z.string().nullish() });

/** Somebody as a viewer may see them. */
export interface Person {
  id: string;
  name: string;
  /** Null for those who may not read it, and of those who are gone. */
  email: string | null;
  erased: boolean;
}

/** The mail address, for those who may read it: admins, and everybody their own. */
export function contactOf(actor: Actor, person: Pick<KnownPerson, 'id' | 'email' | 'erased'>): string | null {
  if (person.erased) return null;
  const resource = { workspaceId: actor.workspaceId, ownerId: person.id };
  return decide(actor, 'member.readContact', resource).allowed ? person.email : null;
}

type Deps = Pick<
  SecurityManagerDeps,
  'orm' | 'systemPool' | 'identity' | 'homeWorkspaceId' | 'onDenied' | 'onChanged'
>;

export function createPeople(deps: Deps) {
  const { identity } = deps;
  const systemSql = sqlOfPool(deps.systemPool);

  /** Those who have to do with the workspace of the scope: nobody learns from an id that it is somebody elsewhere. */
  async function knownHere(scope: Scope, ids: readonly string[]): Promise<Map<string, boolean>> {
    const { workspaceId } = scope;
    const sql = sqlOf(forkForTenant(deps.orm, { workspaceId }));
    const found = await findPeopleOf(sql, workspaceId, [...new Set(ids.filter(isUuid))]);
    return new Map(found.map(({ userId, isMember }) => [userId, isMember]));
  }

  /** @throws NotFoundError unless the person is known in the workspace, or of no workspace and asked about by the hive's owner */
  async function assertKnown(scope: Scope, personId: string, memberships: readonly PersonMembership[]) {
    if (personId === scope.actor.userId) return;
    if (memberships.some(({ workspaceId }) => workspaceId === scope.workspaceId)) return;
    if (memberships.length === 0 && scope.workspaceId === deps.homeWorkspaceId) return;
    if ((await knownHere(scope, [personId])).has(personId)) return;
    throw new NotFoundError('Person', personId);
  }

  /** Whether an account is the caller's to decide on: a member only where they own, or nowhere and they own the hive. */
  function reachesAccount(scope: Scope, memberships: readonly PersonMembership[]): boolean {
    if (memberships.length === 0) return scope.workspaceId === deps.homeWorkspaceId;
    return memberships.every((held) => isOwnedBy(held, scope));
  }

  return {
    /** Those of the ids that have to do with the workspace, in no order. */
    async findPeople(scope: Scope, ids: readonly string[]): Promise<Person[]> {
      assertAllowed(scope, 'member.read');
      const known = await knownHere(scope, ids);
      const people = known.size > 0 ? await identity.findPeople([...known.keys()]) : [];
      return people.map((person) => {
        const isHere = known.get(person.id) === true || person.id === scope.actor.userId;
        const email = isHere ? contactOf(scope.actor, person) : null;
        return { id: person.id, name: person.name, email, erased: person.erased };
      });
    },

    /**
     * Everything about a person as one JSON value. Of others, only what the workspaces hold that the caller owns; and their
     * account only when it is a member nowhere else.
     */
    async exportPerson(scope: Scope, personId: string): Promise<Json> {
      if (!isUuid(personId)) throw new NotFoundError('Person', personId);
      const { userId } = scope.actor;
      let memberships: PersonMembership[] = [];
      await auditedSystemChange(
        deps,
        scope,
        {
          ...{ operation: 'exportPerson', action: 'person.export', input: { personId } },
          ...{ subject: { type: 'Person', id: personId }, resource: { ownerId: personId } },
        },
        async (sql) => {
          memberships = await membershipsOf(sql, personId, userId ?? personId);
          await assertKnown(scope, personId, memberships);
          return personId;
        },
      );
      const isSelf = personId === userId;
      const here = memberships.filter((held) => isOwnedBy(held, scope));
      const workspaceIds = isSelf
        ? await listWorkspaceIds(systemSql)
        : [...new Set([scope.workspaceId, ...here.map(({ workspaceId }) => workspaceId)])];
      const person =
        isSelf || reachesAccount(scope, memberships)
          ? await identity.exportPerson(personId)
          : briefly(await identity.findPeople([personId]), here.length > 0);
      if (person === null) throw new NotFoundError('Person', personId);
      return { exportedAt: new Date().toISOString(), person, ...(await collect(personId, workspaceIds)) };
    },

    /**
     * Ends every membership and way to sign in, and leaves a pseudonym for what others have to do with it: events, goals and
     * the audit trail name the id only. One erases oneself, or somebody who is a member only where one is an owner.
     * @returns the id
     * @throws InvalidStateError for the last owner of a workspace
     */
    async erasePerson(scope: Scope, rawInput: z.input<typeof erasePersonInput>): Promise<string> {
      const { idempotencyKey, ...input } = parseInput(erasePersonInput, rawInput);
      const { personId } = input;
      const { userId } = scope.actor;
      const { id } = await auditedSystemChange(
        deps,
        scope,
        {
          ...{ operation: 'erasePerson', action: 'person.erase', input, idempotencyKey },
          ...{ subject: { type: 'Person', id: personId }, resource: { ownerId: personId } },
        },
        async (sql) => {
          const memberships = await lockMemberships(sql, personId, userId ?? personId);
          await assertKnown(scope, personId, memberships);
          const isSelf = personId === userId;
          if (!isSelf && !reachesAccount(scope, memberships))
            throw new ForbiddenError('WORKSPACE', 'person.erase', memberElsewhere);
          await endEverywhere(sql, scope, personId, memberships);
          await identity.erasePerson(personId, sql);
          return personId;
        },
      );
      // The entry of the change itself told from where it was made.
      await eraseAuditOrigins(systemSql, id);
      deps.onChanged();
      return id;
    },
  };

  async function collect(userId: string, workspaceIds: readonly string[]): Promise<{ [name: string]: Json }> {
    const keyIds = await listKeyIdsOf(systemSql, userId, workspaceIds);
    const actorIds = [userId, ...keyIds];
    const sections = await readPersonSections(systemSql, { userId, workspaceIds, actorIds });
    const entries = async (column: 'actor_id' | 'subject_id', ids: readonly string[]) => {
      const all: Json[] = [];
      for (const workspaceId of workspaceIds)
        for (const id of ids)
          for await (const batch of readAuditOf(systemSql, { workspaceId, column, id, userId }))
            for (const entry of batch) all.push(entry);
      return all;
    };
    const auditByPerson = await entries('actor_id', actorIds);
    const auditAboutPerson = await entries('subject_id', [userId]);
    return { ...sections, auditByPerson, auditAboutPerson };
  }
}

const memberElsewhere =
  'The account of this person is not only yours to erase. Remove them from your workspace, or ask them to erase themselves.';

function isOwnedBy(
  { workspaceId, isOwnedByOther }: PersonMembership,
  { actor, workspaceId: home }: Scope,
): boolean {
  // Whoever is at the machine while nobody owns the hive is the owner of its first workspace.
  return actor.userId === undefined ? workspaceId === home : isOwnedByOther;
}

function briefly([person]: readonly KnownPerson[], isMember: boolean): Json {
  if (!person) return null;
  const { id, name, email, erased } = person;
  return { id, name, ...(isMember ? { email } : {}), erased };
}

async function endEverywhere(
  sql: Sql,
  scope: Scope,
  personId: string,
  memberships: readonly PersonMembership[],
): Promise<void> {
  for (const { workspaceId } of memberships) {
    await endMembership(sql, { workspaceId, userId: personId });
    // Each workspace's own trail says why a member is gone; that of the scope gets its entry from the change.
    const subject = { subjectType: 'Person', subjectId: personId };
    const entry = { ...originOf(scope), workspaceId, ...subject };
    if (workspaceId !== scope.workspaceId)
      await appendAudit(sql, [{ ...entry, action: 'person.erase', outcome: 'ALLOWED' }]);
  }
  await blankTextsOf(sql, personId);
  await eraseAuditOrigins(sql, personId);
}

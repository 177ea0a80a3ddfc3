import { ValidationError } from '../../lib/errors.ts';
import type { ApiKey } from '../../entities/api-key.ts';
import type { AuditActorKind } from '../../stores/audit-store.ts';
import { mayIn } from '../authorise.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import type { Loaders } from '../loaders.ts';
import { encodeId, idTypes } from '../ids.ts';
import { given } from '../input.ts';
import { firstDescription, pageArgDescriptions, pageCost, parsePage, toConnection } from '../pages.ts';
import type { AuditRow, AuditState } from '../../stores/audit-reads.ts';
import { AuditActorKindType, AuditOutcomeType } from './access-enums.ts';
import { PersonType } from './person.ts';

function keyOf(entry: AuditRow, loaders: Loaders): Promise<ApiKey | undefined> | undefined {
  const isKey = entry.actorKind === 'API_KEY' || entry.actorKind === 'SERVICE';
  return isKey && entry.actorId !== null ? loaders.apiKey.load(entry.actorId) : undefined;
}

async function labelOf(entry: AuditRow, { loaders, scope }: Context): Promise<string> {
  switch (entry.actorKind) {
    case 'USER':
      // A key may be made to read the trail and not who is who.
      return entry.actorId !== null && mayIn(scope, 'member.read')
        ? (await loaders.person.load(entry.actorId)).name
        : 'Somebody';
    case 'API_KEY':
    case 'SERVICE':
      return (await keyOf(entry, loaders))?.name ?? 'An API key';
    case 'LOCAL':
      return 'Whoever was at the machine';
    case 'SYSTEM':
      return 'The hive';
    default:
      return 'Somebody unknown';
  }
}

const AuditEntryType = builder.objectRef<AuditRow>('AuditEntry').implement({
  description: 'A row of the audit trail: who did what, or tried to. Rows are never changed.',
  fields: (t) => ({
    id: t.id({
      description: 'Global id, `AuditEntry:uuid`; `node` does not load it.',
      resolve: (entry) => encodeId('AuditEntry', entry.id),
    }),
    at: t.field({ type: 'DateTime', description: 'When it happened.', resolve: (entry) => entry.at }),
    actorKind: t.field({
      type: AuditActorKindType,
      description: 'What kind of caller it was.',
      resolve: (entry) => entry.actorKind as AuditActorKind,
    }),
    actor: t.field({
      type: PersonType,
      nullable: true,
      description: 'The person behind it, for a key who made it; null when nobody is known.',
      resolve: async (entry, _, { loaders }) => {
        const userId = entry.actorKind === 'USER' ? entry.actorId : (await keyOf(entry, loaders))?.createdBy;
        return userId ? loaders.person.load(userId) : null;
      },
    }),
    actorLabel: t.string({
      description:
        'The caller in words: the name of the person or key as it is now, since the trail itself holds no names.',
      resolve: (entry, _, context) => labelOf(entry, context),
    }),
    action: t.exposeString('action', { description: 'What was done, for example `member.change`.' }),
    outcome: t.field({
      type: AuditOutcomeType,
      description: 'How it ended.',
      resolve: (entry) => entry.outcome,
    }),
    subjectId: t.string({
      nullable: true,
      description: 'Global id, or else the name, of what it was about; null for nothing in particular.',
      resolve: ({ subjectType, subjectId }) => {
        const type = idTypes.find((candidate) => candidate.toLowerCase() === subjectType?.toLowerCase());
        return type && subjectId !== null ? encodeId(type, subjectId) : subjectId;
      },
    }),
    detail: t.field({
      type: 'JSON',
      description: 'Facts by action, without secrets.',
      resolve: (entry) => entry.detail,
    }),
    sealed: t.exposeBoolean('sealed', {
      description: 'Whether it is part of the chain of hashes already, a few seconds after it happened.',
    }),
    address: t.string({
      nullable: true,
      description: 'Network address of the caller; null when it is not known or no longer kept.',
      resolve: (entry) => entry.address,
    }),
    userAgent: t.string({
      nullable: true,
      description: 'What the caller said it is; null when it did not.',
      resolve: (entry) => entry.userAgent,
    }),
  }),
});

const AuditStateType = builder.objectRef<AuditState>('AuditState').implement({
  description: 'How far the chain of hashes over the audit trail reaches; `hive audit verify` checks it.',
  fields: (t) => ({
    sealedCount: t.field({
      type: 'SafeInt',
      description: 'Entries in the chain.',
      resolve: (state) => state.sealedCount,
    }),
    unsealedCount: t.field({
      type: 'SafeInt',
      description: 'Entries that are not in it yet.',
      resolve: (state) => state.unsealedCount,
    }),
    headHash: t.string({
      nullable: true,
      description:
        'Hash of the newest sealed entry, hexadecimal: kept elsewhere, it proves what came before.',
      resolve: (state) => state.headHash,
    }),
  }),
});

const AuditFilterInput = builder.inputType('AuditFilter', {
  description: 'All given conditions hold.',
  fields: (t) => ({
    actorId: t.id({ description: 'Global id of a Person or an ApiKey: only what they did.' }),
    action: t.string({ description: 'Exact, or a prefix ending in `*`, such as `member.*`.' }),
    outcome: t.field({ type: AuditOutcomeType, description: 'Only what ended so.' }),
    subjectId: t.string({ description: 'Only what was about this, as in `subjectId` of an entry.' }),
    since: t.field({ type: 'DateTime', description: 'Not before.' }),
    until: t.field({ type: 'DateTime', description: 'Before.' }),
    text: t.string({
      description:
        'Part of the action, of the id of the actor or the subject, or of the detail; up to 200 characters. Names are not in the trail.',
    }),
  }),
});

const actorIdPattern = /^(Person|ApiKey):([0-9a-f-]{36})$/i;

function parseActorId(value: string | null | undefined): string | undefined {
  if (value === null || value === undefined) return undefined;
  const id = actorIdPattern.exec(value)?.[2];
  if (id) return id.toLowerCase();
  throw new ValidationError([
    {
      path: 'where.actorId',
      message: 'must be a global id of a Person or ApiKey, written Type:uuid',
      value: value.slice(0, 200),
    },
  ]);
}

builder.queryFields((t) => ({
  auditEntries: t.field({
    type: builder.connectionObject(
      { type: AuditEntryType, name: 'QueryAuditEntriesConnection' },
      { name: 'QueryAuditEntriesConnectionEdge' },
    ),
    description: 'The audit trail, newest first.',
    args: {
      first: t.arg.int({ description: firstDescription }),
      after: t.arg.string({ description: pageArgDescriptions.after }),
      where: t.arg({ type: AuditFilterInput, description: 'Which entries; all when absent.' }),
    },
    complexity: pageCost,
    resolve: async (_, args, { deps, scope }) => {
      const { limit, after } = parsePage(args);
      const where = given({
        ...args.where,
        actorId: parseActorId(args.where?.actorId),
        // As entries show it; the trail keeps type and id apart.
        subjectId: args.where?.subjectId?.replace(/^[A-Za-z]+:/, ''),
      });
      return toConnection(await deps.auditManager.page(scope, given({ first: limit, after, where })));
    },
  }),
  auditState: t.field({
    type: AuditStateType,
    description: 'Whether the audit trail is sealed, and how far.',
    resolve: (_, __, { deps, scope }) => deps.auditManager.state(scope),
  }),
}));

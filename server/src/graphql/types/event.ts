import { decodeCursor } from '../../lib/cursor.ts';
import { ValidationError } from '../../lib/errors.ts';
import { decideAnywhere, readActions } from '../authorise.ts';
import { builder } from '../builder.ts';
import type { Context, EventWhere, LogEvent } from '../context.ts';
import { decodeNodeId, decodeOptionalId, encodeId, type IdType } from '../ids.ts';
import { given } from '../input.ts';
import { defaultPageSize } from '../limits.ts';
import { firstDescription, pageCost, pageSize } from '../pages.ts';
import { eventSight, visibleEvents } from '../event-sight.ts';
import { NodeInterface, loadNode } from './node.ts';

/** Subjects with a global id that `node` does not load, by the part of the event's type before the dot. */
const otherSubjects: Readonly<Record<string, IdType>> = {
  member: 'Member',
  invitation: 'Invitation',
  key: 'ApiKey',
  workspace: 'Workspace',
};

const EventType = builder.objectRef<LogEvent>('Event').implement({
  description: 'A row of the log: something changed.',
  fields: (t) => ({
    cursor: t.exposeString('cursor', {
      description: 'Opaque position in the log; pass it as `after` to go on behind this event.',
    }),
    type: t.exposeString('type', { description: '`subject.verb`, for example `task.succeeded`.' }),
    subjectId: t.id({
      description: 'Global id of what changed.',
      resolve: (event) => {
        const type = event.subjectType ?? otherSubjects[event.type.slice(0, event.type.indexOf('.'))];
        return type ? encodeId(type, event.subjectId) : event.subjectId;
      },
    }),
    subject: t.field({
      type: NodeInterface,
      nullable: true,
      description:
        'The subject as it is now (not as it was at the event); null when `node` does not load it, and for a key without the scope to read it.',
      resolve: (event, _, context) =>
        event.subjectType && decideAnywhere(context.scope.actor, readActions[event.subjectType]).allowed
          ? loadNode(event.subjectType, event.subjectId, context)
          : null,
    }),
    payload: t.field({
      type: 'JSON',
      description:
        'Facts of the event, by type: most have the `status` and the `version` of the subject right after it.',
      resolve: (event) => event.payload,
    }),
    at: t.field({
      type: 'DateTime',
      description: 'When it was written, by the clock of the database.',
      resolve: (event) => event.at,
    }),
  }),
});

const EventFilterInput = builder.inputType('EventFilter', {
  description: "Events of these types (exact, or a prefix ending in '*') and of this subject or goal.",
  fields: (t) => ({
    types: t.stringList({
      description:
        'Exact types or prefixes ending in `*`, such as `task.*`, up to 100; all types when absent.',
    }),
    subjectId: t.id({ description: 'Global id of what the events are about.' }),
    goalId: t.id({ description: 'Global id of a goal: events of the goal itself, its runs and its tasks.' }),
  }),
});

const afterDescription =
  'Cursor of an event: only what follows it; refused with VALIDATION when that is no longer retained.';

type FilterInput =
  | {
      types?: string[] | null | undefined;
      subjectId?: string | null | undefined;
      goalId?: string | null | undefined;
    }
  | null
  | undefined;
const eventTypePattern = /^[a-z][a-z0-9_.-]{0,63}\*?$|^\*$/;

function parseFilter(where: FilterInput): EventWhere {
  const wrong = where?.types?.findIndex((type) => !eventTypePattern.test(type)) ?? -1;
  if (wrong >= 0) {
    throw new ValidationError([
      {
        path: `where.types[${wrong}]`,
        message: 'must be an event type like task.succeeded, or a prefix like task.*',
        value: where!.types![wrong]!.slice(0, 200),
      },
    ]);
  }
  if (where?.types && where.types.length > 100)
    throw new ValidationError([{ path: 'where.types', message: 'has more than 100 entries' }]);
  return given({
    types: where?.types,
    subjectId:
      typeof where?.subjectId === 'string' ? decodeNodeId(where.subjectId, 'where.subjectId').id : undefined,
    goalId: decodeOptionalId('Goal', where?.goalId, 'where.goalId'),
  });
}

/** Here, so that a subscription is refused at its start and not by its first event. */
function checkCursor(after: string | null | undefined): void {
  if (after !== null && after !== undefined) decodeCursor(after);
}

/** Reads of the log for one page, at most: between them lies only what the actor may not see. */
const maxReads = 10;

interface EventPage {
  events: LogEvent[];
  more: boolean;
  /** Cursor behind which the next page begins; undefined when nothing was there. */
  upTo: string | undefined;
}

/** A page of what the actor may see: full, unless the log ends or much of it is not for them. */
async function readVisible(
  { deps, scope }: Context,
  { limit, where, after }: { limit: number; where: EventWhere; after: string | undefined },
): Promise<EventPage> {
  const { workspaceId, projectIds } = scope;
  const isVisible = eventSight(scope);
  const events: LogEvent[] = [];
  let upTo = after;
  for (let reads = 0; reads < maxReads; reads += 1) {
    const query = { workspaceId, projectIds, limit: limit + 1, after: upTo, where };
    const read = await deps.hub.readEvents(given(query));
    events.push(...read.filter(isVisible).slice(0, limit - events.length));
    if (events.length === limit) {
      const last = events.at(-1)!.cursor;
      return { events, more: read.at(-1)!.cursor !== last, upTo: last };
    }
    upTo = read.at(-1)?.cursor ?? upTo;
    if (read.length <= limit) return { events, more: false, upTo: events.at(-1)?.cursor };
  }
  return { events, more: true, upTo };
}

builder.queryFields((t) => ({
  events: t.field({
    type: builder.connectionObject(
      { type: EventType, name: 'QueryEventsConnection' },
      { name: 'QueryEventsConnectionEdge' },
    ),
    description:
      'Oldest first, from the start of what is retained, or behind `after`. Where much of the log is not for whoever asks, a page may be short although `hasNextPage` is true.',
    args: {
      first: t.arg.int({ description: firstDescription }),
      after: t.arg.string({ description: afterDescription }),
      where: t.arg({ type: EventFilterInput, description: 'Which events; all when absent.' }),
    },
    complexity: pageCost,
    resolve: async (_, args, context) => {
      const limit = pageSize(args.first ?? defaultPageSize, 'first');
      checkCursor(args.after);
      const read = await readVisible(context, {
        limit,
        where: parseFilter(args.where),
        after: args.after ?? undefined,
      });
      const edges = read.events.map((node) => ({ cursor: node.cursor, node }));
      return {
        edges,
        pageInfo: {
          hasNextPage: read.more,
          hasPreviousPage: typeof args.after === 'string',
          startCursor: edges[0]?.cursor ?? null,
          endCursor: read.upTo ?? null,
        },
      };
    },
  }),
  latestEventCursor: t.string({
    description:
      'The cursor of the newest event that every reader can see; start a subscription here to get only what follows.',
    resolve: (_, __, { deps }) => deps.hub.latestCursor(),
  }),
}));

builder.subscriptionField('events', (t) =>
  t.field({
    type: EventType,
    description:
      'Every event behind `after` without gap or repeat, then live. Without `after`: only what follows.',
    args: {
      after: t.arg.string({ description: afterDescription }),
      where: t.arg({ type: EventFilterInput, description: 'Which events; all when absent.' }),
    },
    subscribe: (_, args, context) => {
      checkCursor(args.after);
      const { deps, scope, signal } = context;
      const { workspaceId, projectIds } = scope;
      const query = { workspaceId, projectIds, after: args.after, where: parseFilter(args.where) };
      return visibleEvents(deps.hub.events(given(query), signal), scope);
    },
    resolve: (event) => event,
  }),
);

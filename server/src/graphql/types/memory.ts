import { z } from 'zod';
import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

const memoryOperation = z.object({
  workspaceId: z.string(),
  operation: z.string(),
  projectId: z.string().nullish(),
  path: z.string().nullish(),
  detail: z.string().default(''),
  at: z.union([z.date(), z.string()]).default(() => new Date()),
});
type MemoryOperation = z.output<typeof memoryOperation>;

const MemoryOperationType = builder.objectRef<MemoryOperation>('MemoryOperation').implement({
  description:
    'Something was read into or looked up in what the hive remembers. Live only: not part of the log.',
  fields: (t) => ({
    operation: t.exposeString('operation', { description: 'For example `index` or `search`.' }),
    projectId: t.id({
      nullable: true,
      resolve: ({ projectId }) => (projectId ? encodeId('Project', projectId) : null),
    }),
    path: t.string({ nullable: true, resolve: ({ path }) => path ?? null }),
    detail: t.exposeString('detail'),
    at: t.expose('at', { type: 'DateTime' }),
  }),
});

builder.subscriptionField('memoryOperations', (t) =>
  t.field({
    type: MemoryOperationType,
    description: 'As they happen.',
    // Topics are typed at the edge: what arrives may come from another replica.
    async *subscribe(_, __, { deps, scope, signal }) {
      for await (const message of deps.hub.topic('memory.operation', signal)) {
        const operation = memoryOperation.parse(message);
        if (operation.workspaceId === scope.workspaceId) yield operation;
      }
    },
    resolve: (operation) => operation,
  }),
);

import { z } from 'zod';
import { seesProject } from '../authorise.ts';
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
  description: 'Something was done to what the hive remembers. Live only: not part of the log.',
  fields: (t) => ({
    operation: t.exposeString('operation', {
      description:
        '`index.start`, `index.file`, `index.remove`, `index.done` or `index.failed`; others may come.',
    }),
    projectId: t.id({
      nullable: true,
      description: 'Global id of the project; null when it is about none.',
      resolve: ({ projectId }) => (projectId ? encodeId('Project', projectId) : null),
    }),
    path: t.string({
      nullable: true,
      description: 'File inside the project, relative to its folder; null when it is about no single file.',
      resolve: ({ path }) => path ?? null,
    }),
    detail: t.exposeString('detail', { description: 'What was done, for people; may be empty.' }),
    at: t.expose('at', { description: 'When it happened.', type: 'DateTime' }),
  }),
});

builder.subscriptionField('memoryOperations', (t) =>
  t.field({
    type: MemoryOperationType,
    description:
      'What is indexed, as it happens on this server; of one indexing, at most 200 files read and 200 removed. Nothing from before the start.',
    // Topics are typed at the edge: what arrives may come from another replica.
    async *subscribe(_, __, { deps, scope, signal }) {
      for await (const message of deps.hub.topic('memory.operation', signal)) {
        const operation = memoryOperation.parse(message);
        if (operation.workspaceId === scope.workspaceId && seesProject(scope, operation.projectId))
          yield operation;
      }
    },
    resolve: (operation) => operation,
  }),
);

import type { Project } from '../../entities/project.ts';
import { IdempotencyConflictError, ValidationError } from '../../lib/errors.ts';
import { listProjects } from '../../stores/agent-reads.ts';
import { builder } from '../builder.ts';
import { UnavailableError, changeErrors, expectFailures } from '../errors.ts';
import { decodeId, encodeId } from '../ids.ts';
import { given } from '../input.ts';
import { pageCost, parsePage, toConnection } from '../pages.ts';
import { ProjectStatusType } from './enums.ts';
import { NodeInterface } from './node.ts';
import { FailureType, failureOf } from './parts.ts';

export const ProjectType = builder.objectRef<Project>('Project').implement({
  description: 'A folder the hive may read, indexed for search.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({ resolve: (project) => encodeId('Project', project.id) }),
    name: t.exposeString('name'),
    rootPath: t.exposeString('rootPath', { description: 'On the machine the server runs on.' }),
    status: t.field({ type: ProjectStatusType, resolve: (project) => project.status }),
    fileCount: t.exposeInt('fileCount', { description: 'Files found, without ignored ones.' }),
    indexedFileCount: t.exposeInt('indexedFileCount'),
    chunkCount: t.exposeInt('chunkCount', { description: 'Pieces of text that search finds.' }),
    skippedFileCount: t.exposeInt('skippedFileCount', {
      description: 'Binary, too large, or likely to hold secrets.',
    }),
    byteCount: t.field({ type: 'SafeInt', resolve: (project) => project.byteCount }),
    failure: t.field({ type: FailureType, nullable: true, resolve: (project) => failureOf(project) }),
    indexedAt: t.field({ type: 'DateTime', nullable: true, resolve: (project) => project.indexedAt ?? null }),
    version: t.exposeInt('version', { description: 'Grows with every change: a smaller one is older.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

builder.queryFields((t) => ({
  project: t.field({
    type: ProjectType,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    resolve: async (_, args, { loaders }) =>
      (await loaders.project.load(decodeId('Project', args.id, 'id'))) ?? null,
  }),
  projects: t.field({
    type: builder.connectionObject(
      { type: ProjectType, name: 'QueryProjectsConnection' },
      { name: 'QueryProjectsConnectionEdge' },
    ),
    description: 'Newest first.',
    args: t.arg.connectionArgs(),
    complexity: pageCost,
    resolve: async (_, args, { em, scope }) =>
      toConnection(await listProjects(em(), scope.workspaceId, parsePage(args))),
  }),
}));

const RegisterProjectInput = builder.inputType('RegisterProjectInput', {
  fields: (t) => ({
    name: t.string({ description: 'The folder’s name when absent.' }),
    rootPath: t.string({
      required: true,
      description: 'The folder the server was started in, or one below it.',
    }),
    idempotencyKey: t.string(),
  }),
});
const ReindexProjectInput = builder.inputType('ReindexProjectInput', {
  fields: (t) => ({ projectId: t.id({ required: true }), idempotencyKey: t.string() }),
});

builder.mutationFields((t) => ({
  registerProject: t.field({
    type: ProjectType,
    description: 'Adds a folder and starts indexing it.',
    errors: {
      types: [ValidationError, IdempotencyConflictError, UnavailableError],
      union: { name: 'RegisterProjectResult' },
    },
    args: { input: t.arg({ type: RegisterProjectInput, required: true }) },
    resolve: (_, { input }, { deps, scope, loaders }) =>
      expectFailures(input, async () => {
        const { id } = await deps.contextManager.registerProject(scope, given(input));
        return (await loaders.project.load(id))!;
      }),
  }),
  reindexProject: t.field({
    type: ProjectType,
    description: 'Indexes again what changed since.',
    errors: { types: changeErrors, union: { name: 'ReindexProjectResult' } },
    args: { input: t.arg({ type: ReindexProjectInput, required: true }) },
    resolve: (_, { input }, { deps, scope, loaders }) =>
      expectFailures(input, async () => {
        const projectId = decodeId('Project', input.projectId, 'projectId');
        await deps.contextManager.reindexProject(
          scope,
          given({ projectId, idempotencyKey: input.idempotencyKey }),
        );
        return (await loaders.project.load(projectId))!;
      }),
  }),
}));

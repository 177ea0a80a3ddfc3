import type { Project } from '../../entities/project.ts';
import { ForbiddenError, IdempotencyConflictError, ValidationError } from '../../lib/errors.ts';
import { listProjects } from '../../stores/agent-reads.ts';
import { mayIn } from '../authorise.ts';
import { builder } from '../builder.ts';
import { UnavailableError, changeErrors, expectFailures } from '../errors.ts';
import { decodeId, encodeId } from '../ids.ts';
import { given, idempotencyKeyField } from '../input.ts';
import { pageCost, parsePage, toConnection } from '../pages.ts';
import { ProjectStatusType } from './enums.ts';
import { NodeInterface } from './node.ts';
import { FailureType, failureOf } from './parts.ts';

export const ProjectType = builder.objectRef<Project>('Project').implement({
  description: 'A folder the hive may read, indexed for search.',
  interfaces: [NodeInterface],
  fields: (t) => ({
    id: t.id({
      description: 'Global id, `Project:uuid`.',
      resolve: (project) => encodeId('Project', project.id),
    }),
    name: t.exposeString('name', { description: 'For people, 1 to 100 characters.' }),
    rootPath: t.string({
      description:
        'Absolute path of the folder, on the machine the server runs on; empty for whoever may only view the project.',
      resolve: (project, _, { scope }) =>
        mayIn(scope, 'project.readPath', { projectId: project.id }) ? project.rootPath : '',
    }),
    status: t.field({
      type: ProjectStatusType,
      description: 'Whether the index is complete.',
      resolve: (project) => project.status,
    }),
    fileCount: t.exposeInt('fileCount', {
      description:
        'Files found to index, without skipped ones and what a .gitignore or the built-in list of folders (`.git`, `node_modules`, …) excludes.',
    }),
    indexedFileCount: t.exposeInt('indexedFileCount', {
      description: 'Files in the index; while INDEXING, those looked at so far.',
    }),
    chunkCount: t.exposeInt('chunkCount', { description: 'Pieces of text that search finds.' }),
    skippedFileCount: t.exposeInt('skippedFileCount', {
      description:
        'Files left out: binary, generated, over 1 MiB, likely to hold secrets, symbolic links, or beyond the first 50,000.',
    }),
    byteCount: t.field({
      type: 'SafeInt',
      description: 'Size of the indexed files, in bytes.',
      resolve: (project) => project.byteCount,
    }),
    failure: t.field({
      type: FailureType,
      nullable: true,
      description: 'Why the last indexing failed; null unless it is FAILED.',
      resolve: (project) => failureOf(project),
    }),
    indexedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the index was last completed; null before the first time.',
      resolve: (project) => project.indexedAt ?? null,
    }),
    version: t.exposeInt('version', { description: 'Grows with every change: a smaller one is older.' }),
    createdAt: t.expose('createdAt', { description: 'When it was registered.', type: 'DateTime' }),
  }),
});

builder.queryFields((t) => ({
  project: t.field({
    type: ProjectType,
    description: 'A project by its global id; null when there is none.',
    nullable: true,
    args: { id: t.arg.id({ required: true, description: 'Global id of a project.' }) },
    resolve: async (_, args, { loaders }) =>
      (await loaders.project.load(decodeId('Project', args.id, 'id'))) ?? null,
  }),
  projects: t.field({
    type: builder.connectionObject(
      { type: ProjectType, name: 'QueryProjectsConnection' },
      { name: 'QueryProjectsConnectionEdge' },
    ),
    description: 'Projects, newest first.',
    args: t.arg.connectionArgs(),
    complexity: pageCost,
    resolve: async (_, args, { em, scope }) =>
      toConnection(await listProjects(em(), scope.workspaceId, parsePage(args))),
  }),
}));

const RegisterProjectInput = builder.inputType('RegisterProjectInput', {
  description: 'A folder for the hive to read.',
  fields: (t) => ({
    name: t.string({ description: 'For people, 1 to 100 characters; the folder’s name when absent.' }),
    rootPath: t.string({
      required: true,
      description: 'The folder the server was started in, or one below it: absolute, or relative to it.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});
const ReindexProjectInput = builder.inputType('ReindexProjectInput', {
  description: 'Which project to index again.',
  fields: (t) => ({
    projectId: t.id({
      required: true,
      description: 'The project; one that is being indexed is indexed once more.',
    }),
    idempotencyKey: t.string(idempotencyKeyField),
  }),
});

builder.mutationFields((t) => ({
  registerProject: t.field({
    type: ProjectType,
    description:
      'Adds a folder and starts indexing it; a folder that is registered already is returned as it is.',
    errors: {
      types: [ForbiddenError, ValidationError, IdempotencyConflictError, UnavailableError],
      union: { name: 'RegisterProjectResult' },
    },
    args: { input: t.arg({ type: RegisterProjectInput, required: true, description: 'The folder.' }) },
    resolve: (_, { input }, { deps, scope, loaders }) =>
      expectFailures(input, async () => {
        const { id } = await deps.contextManager.registerProject(scope, given(input));
        return (await loaders.project.load(id))!;
      }),
  }),
  reindexProject: t.field({
    type: ProjectType,
    description: 'Brings the index up to date, in the background: only changed files are read into it again.',
    errors: { types: changeErrors, union: { name: 'ReindexProjectResult' } },
    args: { input: t.arg({ type: ReindexProjectInput, required: true, description: 'Which project.' }) },
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

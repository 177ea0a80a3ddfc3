import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

interface Viewer {
  workspaceId: string;
  workspaceName: string;
}

const ViewerType = builder.objectRef<Viewer>('Viewer').implement({
  description: 'On whose behalf a request is made: one default workspace until there are accounts.',
  fields: (t) => ({
    workspaceId: t.id({
      description:
        'Global id of the workspace everything is read from and changed in; `node` does not load it.',
      resolve: (viewer) => encodeId('Workspace', viewer.workspaceId),
    }),
    workspaceName: t.exposeString('workspaceName', { description: 'Name of the workspace, for people.' }),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerType,
    description: 'Who asks.',
    resolve: (_, __, { deps }) => ({ workspaceId: deps.workspace.id, workspaceName: deps.workspace.name }),
  }),
);

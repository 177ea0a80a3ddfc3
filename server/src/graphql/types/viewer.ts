import { builder } from '../builder.ts';
import { encodeId } from '../ids.ts';

interface Viewer {
  workspaceId: string;
  workspaceName: string;
}

const ViewerType = builder.objectRef<Viewer>('Viewer').implement({
  description: 'Who asks. One default workspace until there are accounts.',
  fields: (t) => ({
    workspaceId: t.id({ resolve: (viewer) => encodeId('Workspace', viewer.workspaceId) }),
    workspaceName: t.exposeString('workspaceName'),
  }),
});

builder.queryField('viewer', (t) =>
  t.field({
    type: ViewerType,
    resolve: (_, __, { deps }) => ({ workspaceId: deps.workspace.id, workspaceName: deps.workspace.name }),
  }),
);

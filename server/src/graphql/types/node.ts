import { brandWithType } from '@pothos/core';
import { ValidationError } from '../../lib/errors.ts';
import { assertAnywhere, readActions } from '../authorise.ts';
import { builder } from '../builder.ts';
import type { Context } from '../context.ts';
import { decodeNodeId, type NodeType } from '../ids.ts';
import { maxPageSize } from '../limits.ts';

export const NodeInterface = builder.nodeInterfaceRef();

/** The object behind a type and id, marked with its type so that `... on Goal` finds it; null when there is none in sight. */
export async function loadNode(type: NodeType, id: string, { loaders }: Context): Promise<object | null> {
  const node = await {
    Goal: () => loaders.goal,
    Task: () => loaders.task,
    Agent: () => loaders.agent,
    Crew: () => loaders.crew,
    Project: () => loaders.project,
    WorkflowRun: () => loaders.workflowRun,
  }
    [type]()
    .load(id);
  if (!node) return null;
  brandWithType(node, type as never);
  return node;
}

builder.queryFields((t) => ({
  node: t.field({
    type: NodeInterface,
    nullable: true,
    description: 'Anything by its global id; null when there is none.',
    args: {
      id: t.arg.id({
        required: true,
        description: '`Type:uuid` of a Goal, Task, Agent, Crew, Project or WorkflowRun.',
      }),
    },
    resolve: (_, args, context) => {
      const { type, id } = decodeNodeId(args.id, 'id');
      assertAnywhere(context, readActions[type]);
      return loadNode(type, id, context);
    },
  }),
  nodes: t.field({
    type: [NodeInterface],
    nullable: { list: false, items: true },
    description: `Up to ${maxPageSize} things by their global ids, in the same order; null in the place of one that does not exist.`,
    args: {
      ids: t.arg.idList({
        required: true,
        description: `Global ids as for \`node\`, at most ${maxPageSize}.`,
      }),
    },
    complexity: (args) => ({ field: 1, multiplier: Math.max(1, Math.min(args.ids.length, maxPageSize)) }),
    resolve: (_, args, context) => {
      if (args.ids.length > maxPageSize) {
        throw new ValidationError([
          { path: 'ids', message: `has ${args.ids.length} ids; at most ${maxPageSize} are allowed` },
        ]);
      }
      const wanted = args.ids.map((value, index) => decodeNodeId(value, `ids[${index}]`));
      for (const action of new Set(wanted.map(({ type }) => readActions[type])))
        assertAnywhere(context, action);
      return Promise.all(wanted.map(({ type, id }) => loadNode(type, id, context)));
    },
  }),
}));

import { ValidationError } from '../lib/errors.ts';

export const nodeTypes = ['Goal', 'Task', 'Agent', 'Crew', 'Project', 'WorkflowRun'] as const;
export type NodeType = (typeof nodeTypes)[number];
/** With the types that have a global id but that `node` does not load. */
export const idTypes = [
  ...nodeTypes,
  ...(['Workspace', 'Step', 'Attempt', 'Output'] as const),
  ...(['Person', 'Member', 'Invitation', 'ApiKey', 'AuditEntry'] as const),
] as const;
export type IdType = (typeof idTypes)[number];

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A global id, readable on purpose: `Goal:0198…`. */
export function encodeId(type: IdType, id: string): string {
  return `${type}:${id}`;
}

/**
 * The raw id inside a global one.
 * @param path the input field, named in the error
 * @throws ValidationError when it is malformed or of another type
 */
export function decodeId(type: IdType, value: string, path: string): string {
  const [given = '', id = '', ...rest] = value.split(':');
  if (given === type && rest.length === 0 && uuid.test(id.toLowerCase())) return id.toLowerCase();
  throw new ValidationError([
    {
      path,
      message: `must be an id of a ${type}, like ${type}:0198c0de-0000-7000-8000-000000000000`,
      value: value.slice(0, 200),
    },
  ]);
}

/** The same for an optional field: null and absent are undefined. */
export function decodeOptionalId(
  type: IdType,
  value: string | null | undefined,
  path: string,
): string | undefined {
  return value === null || value === undefined ? undefined : decodeId(type, value, path);
}

/** For `node`: an id of any loadable type. */
export function decodeNodeId(value: string, path: string): { type: NodeType; id: string } {
  const type = nodeTypes.find((candidate) => value.startsWith(`${candidate}:`));
  if (!type) {
    throw new ValidationError([
      {
        path,
        message: `must be a global id of a ${nodeTypes.join(', ')}, written Type:uuid`,
        value: value.slice(0, 200),
      },
    ]);
  }
  return { type, id: decodeId(type, value, path) };
}

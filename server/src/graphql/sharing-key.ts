import { TypeInfo, visit, visitWithTypeInfo, type DocumentNode, type GraphQLSchema } from 'graphql';
import type { Principal } from '../engines/security/principal.ts';

/** Types of which one sees one's own more than that of others, so that a role does not tell what an answer holds. */
const personalTypes: ReadonlySet<string> = new Set([
  'Person',
  'Member',
  'Viewer',
  'ApiKey',
  'AuditEntry',
  'Invitation',
  'Secret',
]);

const personal = new WeakMap<DocumentNode, boolean>();

/**
 * What two subscribers must have in common to get the same answer from one execution: the workspace, the role, the
 * projects in sight with the role in each, a key's scopes; and where the document reaches what is personal, themselves.
 */
export function sharingKey(
  { actor }: Pick<Principal, 'actor'>,
  document: DocumentNode,
  schema: GraphQLSchema,
): unknown[] {
  return [
    actor.workspaceId,
    actor.role,
    actor.kind === 'USER' || actor.kind === 'LOCAL',
    actor.projects === 'ALL' ? 'ALL' : sorted(actor.projects),
    actor.grants ? sorted(actor.grants) : null,
    actor.scopes ? [...actor.scopes].sort() : null,
    reachesPersonal(document, schema) ? [actor.kind, actor.id, actor.userId ?? null] : null,
  ];
}

function sorted(roles: ReadonlyMap<string, string>): [string, string][] {
  return [...roles].sort(([left], [right]) => (left < right ? -1 : 1));
}

/** Documents are kept and used again, so each is looked through once. */
function reachesPersonal(document: DocumentNode, schema: GraphQLSchema): boolean {
  const known = personal.get(document);
  if (known !== undefined) return known;
  let found = false;
  const types = new TypeInfo(schema);
  const look = visitWithTypeInfo(types, {
    Field() {
      // Through an interface, too: what is asked for behind it is a field of the type itself, or of the interface alone.
      if (personalTypes.has(types.getParentType()?.name ?? '')) found = true;
    },
  });
  visit(document, look);
  personal.set(document, found);
  return found;
}

import {
  GraphQLError,
  Kind,
  type ASTVisitor,
  type FragmentDefinitionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';
import { documentLimits } from './limits.ts';

interface Shape {
  depth: number;
  aliases: number;
  directives: number;
}

/**
 * Validation rule: bounds depth, aliases and directives of each operation, with fragments counted as often as they are
 * spread. Each fragment is measured once, so a document of fragments that double each other costs no more to check than
 * its length. Introspection is exempt from depth: its own queries are deep and its data is small.
 */
export function limitDocument(context: ValidationContext): ASTVisitor {
  const measured = new Map<string, Shape>();
  const open = new Set<string>();

  const ofFragment = (fragment: FragmentDefinitionNode): Shape => {
    const name = fragment.name.value;
    const known = measured.get(name);
    if (known) return known;
    // A fragment inside itself is another rule's error; here it must only end.
    if (open.has(name)) return { depth: 0, aliases: 0, directives: 0 };
    open.add(name);
    const shape = ofSelections(fragment.selectionSet);
    open.delete(name);
    measured.set(name, shape);
    return shape;
  };

  const ofSelections = (set: SelectionSetNode): Shape => {
    const total: Shape = { depth: 0, aliases: 0, directives: 0 };
    for (const selection of set.selections) {
      let inner: Shape | undefined;
      let level = 0;
      if (selection.kind === Kind.FIELD) {
        if (selection.alias) total.aliases += 1;
        if (selection.selectionSet) inner = ofSelections(selection.selectionSet);
        const isIntrospection = selection.name.value === '__schema' || selection.name.value === '__type';
        if (isIntrospection && inner) inner = { ...inner, depth: 0 };
        level = 1;
      } else if (selection.kind === Kind.INLINE_FRAGMENT) {
        inner = ofSelections(selection.selectionSet);
      } else {
        const fragment = context.getFragment(selection.name.value);
        if (fragment) inner = ofFragment(fragment);
      }
      total.directives += (selection.directives?.length ?? 0) + (inner?.directives ?? 0);
      total.aliases += inner?.aliases ?? 0;
      total.depth = Math.max(total.depth, level + (inner?.depth ?? 0));
    }
    return total;
  };

  return {
    OperationDefinition(operation) {
      const shape = ofSelections(operation.selectionSet);
      for (const name of ['depth', 'aliases', 'directives'] as const) {
        if (shape[name] <= documentLimits[name]) continue;
        context.reportError(
          new GraphQLError(
            `The operation has ${name === 'depth' ? 'a depth of' : ''} ${shape[name]}${name === 'depth' ? '' : ` ${name}`}; at most ${documentLimits[name]} is allowed.`,
            {
              nodes: operation,
              extensions: { code: 'LIMIT_EXCEEDED' },
            },
          ),
        );
      }
    },
  };
}

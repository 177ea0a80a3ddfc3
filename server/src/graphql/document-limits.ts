import {
  GraphQLError,
  Kind,
  type ASTVisitor,
  type DefinitionNode,
  type DocumentNode,
  type FragmentDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  type ValidationContext,
} from 'graphql';
import { documentLimits, limitExceeded, variableLimits } from './limits.ts';

interface Shape {
  depth: number;
  aliases: number;
  directives: number;
  fields: number;
  repeats: number;
}

type Bound = Exclude<keyof typeof documentLimits, 'characters' | 'tokens' | 'definitions'>;

const nothing: Shape = { depth: 0, aliases: 0, directives: 0, fields: 0, repeats: 0 };
const messages: Readonly<Record<Bound, (found: number) => string>> = {
  depth: (found) => `a depth of ${found}`,
  aliases: (found) => `${found} aliases`,
  directives: (found) => `${found} directives`,
  fields: (found) => `${found} fields, those of fragments counted where they are spread`,
  repeats: (found) => `one field ${found} times side by side`,
};

/**
 * Bounds the shape of each operation and fragment of a document, with fragments counted as often as they are spread.
 * Each fragment is measured once, so a document of fragments that double each other costs no more to check than its
 * length. Introspection is exempt from depth: its own queries are deep and its data is small.
 *
 * To be called before the standard rules: some of those compare fields pairwise or follow every path through fragments,
 * which an abusive document makes slow.
 * @returns one error for each bound that the first abusive definition breaks
 */
export function measureDocument(document: DocumentNode): GraphQLError[] {
  const count = document.definitions.length;
  if (count > documentLimits.definitions)
    return [
      limitExceeded(
        `The document has ${count} operations and fragments; at most ${documentLimits.definitions} are allowed.`,
      ),
    ];
  const ruler = new Ruler(document);
  const errors: GraphQLError[] = [];
  for (const definition of document.definitions) {
    const shape = ruler.ofDefinition(definition);
    if (ruler.cycle) return [ruler.cycle];
    if (!shape) continue;
    for (const measure of Object.keys(messages) as Bound[]) {
      const found = shape[measure];
      const most = documentLimits[measure];
      if (found <= most || (measure === 'depth' && isAboutTypes(definition))) continue;
      const whose = definition.kind === Kind.OPERATION_DEFINITION ? 'operation' : 'fragment';
      errors.push(
        limitExceeded(`The ${whose} has ${messages[measure](shorten(found))}; at most ${most} is allowed.`, [
          definition,
        ]),
      );
    }
    // One is enough to say; hundreds of definitions must not make a long answer.
    if (errors.length > 0) return errors;
  }
  return errors;
}

/** A fragment of introspection, whose depth does not count where it is spread either. */
function isAboutTypes(definition: DefinitionNode): boolean {
  return definition.kind === Kind.FRAGMENT_DEFINITION && definition.typeCondition.name.value.startsWith('__');
}

/** Doubling fragments reach numbers that say nothing any more. */
function shorten(found: number): number {
  return Math.min(found, 1_000_000);
}

class Ruler {
  readonly #fragments = new Map<string, FragmentDefinitionNode>();
  readonly #measured = new Map<FragmentDefinitionNode, Shape>();
  readonly #open = new Set<FragmentDefinitionNode>();
  /** Set when a fragment leads back to itself: then no number means anything. */
  cycle: GraphQLError | undefined;

  constructor(document: DocumentNode) {
    for (const definition of document.definitions) {
      if (definition.kind === Kind.FRAGMENT_DEFINITION && !this.#fragments.has(definition.name.value))
        this.#fragments.set(definition.name.value, definition);
    }
  }

  ofDefinition(definition: DefinitionNode): Shape | undefined {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) return this.#ofFragment(definition);
    return definition.kind === Kind.OPERATION_DEFINITION
      ? this.#ofSelections(definition.selectionSet)
      : undefined;
  }

  #ofFragment(fragment: FragmentDefinitionNode): Shape {
    const known = this.#measured.get(fragment);
    if (known) return known;
    if (this.#open.has(fragment)) {
      this.cycle ??= new GraphQLError(`Cannot spread fragment "${fragment.name.value}" within itself.`, {
        nodes: fragment,
        extensions: { code: 'VALIDATION' },
      });
      return nothing;
    }
    this.#open.add(fragment);
    const shape = this.#ofSelections(fragment.selectionSet);
    this.#open.delete(fragment);
    this.#measured.set(fragment, shape);
    return shape;
  }

  #ofSelections(set: SelectionSetNode): Shape {
    const total: Shape = { ...nothing };
    const repeats = new Map<string, number>();
    for (const selection of set.selections) {
      const inner = this.#ofSelection(selection);
      const key = answerKey(selection);
      const count = (repeats.get(key) ?? 0) + 1;
      repeats.set(key, count);
      total.repeats = Math.max(total.repeats, inner.repeats, count);
      total.directives += (selection.directives?.length ?? 0) + inner.directives;
      total.aliases += inner.aliases;
      total.fields += inner.fields;
      total.depth = Math.max(total.depth, inner.depth);
    }
    return total;
  }

  #ofSelection(selection: SelectionNode): Shape {
    if (selection.kind === Kind.INLINE_FRAGMENT) return this.#ofSelections(selection.selectionSet);
    if (selection.kind === Kind.FRAGMENT_SPREAD) {
      const fragment = this.#fragments.get(selection.name.value);
      return fragment ? this.#ofFragment(fragment) : nothing;
    }
    const inner = selection.selectionSet ? this.#ofSelections(selection.selectionSet) : nothing;
    const isIntrospection = selection.name.value === '__schema' || selection.name.value === '__type';
    return {
      depth: 1 + (isIntrospection ? 0 : inner.depth),
      aliases: (selection.alias ? 1 : 0) + inner.aliases,
      directives: inner.directives,
      fields: 1 + inner.fields,
      repeats: inner.repeats,
    };
  }
}

/** Inline fragments without a name all have the same key: to the rule that compares they are the same place. */
function answerKey(selection: SelectionNode): string {
  if (selection.kind === Kind.FIELD) return (selection.alias ?? selection.name).value;
  if (selection.kind === Kind.FRAGMENT_SPREAD) return `...${selection.name.value}`;
  return `... on ${selection.typeCondition?.name.value ?? ''}`;
}

/** Validation rule for HIVE_INTROSPECTION=off: what the schema is stays untold; `__typename` tells nothing of it. */
export function refuseIntrospection(context: ValidationContext): ASTVisitor {
  return {
    Field(node) {
      if (node.name.value !== '__schema' && node.name.value !== '__type') return;
      context.reportError(
        new GraphQLError(`${node.name.value} cannot be asked for here: introspection is off.`, {
          nodes: node,
          extensions: { code: 'FORBIDDEN' },
        }),
      );
    },
  };
}

/**
 * Bounds the shape of variables before anything walks them: what does so is recursive, and a list a million levels deep
 * fits in a megabyte. Itself it keeps its own stack.
 */
export function measureVariables(variables: unknown): GraphQLError | undefined {
  const open: { value: unknown; depth: number }[] = [{ value: variables, depth: 0 }];
  let values = 0;
  for (let next = open.pop(); next; next = open.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > variableLimits.depth)
      return limitExceeded(`The variables are nested more than ${variableLimits.depth} levels deep.`);
    const children = Object.values(value) as unknown[];
    values += children.length;
    if (values > variableLimits.values)
      return limitExceeded(`The variables hold more than ${variableLimits.values} values.`);
    for (const child of children) open.push({ value: child, depth: depth + 1 });
  }
  return undefined;
}

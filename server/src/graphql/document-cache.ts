import {
  GraphQLError,
  parse,
  specifiedRules,
  validate,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';
import { LRUCache } from 'lru-cache';
import { measureDocument, refuseIntrospection } from './document-limits.ts';
import { documentLimits } from './limits.ts';

export interface DocumentCache {
  /** @throws GraphQLError for text that is no document, or too much of one */
  parse(text: string): DocumentNode;
  /** Errors of a document that `parse` gave; none when it may be executed. */
  validate(document: DocumentNode): readonly GraphQLError[];
  /** Documents kept. */
  readonly size: number;
}

/** A parsed document takes about this much memory for each character of its text (measured: 20 to 40). */
const bytesPerCharacter = 40;
/** Longer ones are comments and strings for the most part; nobody repeats them. */
const longestKept = 50_000;
const maxErrors = 20;

/**
 * Parses and validates each text once: what an app sends again and again costs a look-up. Whether a document is valid
 * depends on the schema and on `introspection`, which stay what they are for as long as the process runs, and on
 * nothing of the request. Only valid documents are kept: refusals are cheap, and must not push the others out.
 */
export function createDocumentCache(options: {
  schema: GraphQLSchema;
  introspection: 'on' | 'off';
  /** Default 16 MB. */
  maxBytes?: number;
}): DocumentCache {
  const { schema, introspection } = options;
  const rules = introspection === 'off' ? [...specifiedRules, refuseIntrospection] : specifiedRules;
  const valid = new LRUCache<string, DocumentNode>({
    maxSize: options.maxBytes ?? 16_000_000,
    sizeCalculation: (_document, text) => text.length * bytesPerCharacter,
  });
  const known = new WeakSet<DocumentNode>();
  const texts = new WeakMap<DocumentNode, string>();

  return {
    parse(text) {
      const kept = valid.get(text);
      if (kept) return kept;
      const document = parseBounded(text);
      texts.set(document, text);
      return document;
    },
    validate(document) {
      if (known.has(document)) return [];
      const abuses = measureDocument(document);
      if (abuses.length > 0) return abuses;
      const errors = validate(schema, document, rules, { maxErrors });
      if (errors.length > 0) return introspection === 'off' ? errors.map(withoutSuggestion) : errors;
      const text = texts.get(document);
      if (text !== undefined && text.length <= longestKept) {
        known.add(document);
        valid.set(text, document);
      }
      return [];
    },
    get size() {
      return valid.size;
    },
  };
}

function parseBounded(text: string): DocumentNode {
  const { characters, tokens } = documentLimits;
  if (text.length > characters)
    throw tooMuch(`The document has ${text.length} characters; at most ${characters} are allowed.`);
  try {
    return parse(text, { maxTokens: tokens });
  } catch (error) {
    if (error instanceof GraphQLError && /Document contains more th/.test(error.message))
      throw tooMuch(`The document has more than ${tokens} tokens.`);
    throw error;
  }
}

function tooMuch(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'LIMIT_EXCEEDED', http: { status: 400 } } });
}

/** "Did you mean …" spells the schema out, name by name. */
function withoutSuggestion(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/ Did you mean .*$/s, '');
  if (message === error.message) return error;
  return new GraphQLError(message, {
    ...(error.nodes ? { nodes: error.nodes } : {}),
    extensions: error.extensions,
  });
}

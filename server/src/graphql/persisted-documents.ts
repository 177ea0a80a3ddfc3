import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { GraphQLError } from 'graphql';
import { messageOf } from '../lib/errors.ts';

export type DocumentPolicy = 'any' | 'persisted';

/** What names the document of a request: its text, its hash, or both. Unchecked, as it came. */
export interface NamedDocument {
  query?: unknown;
  documentId?: unknown;
  extensions?: unknown;
}

export interface PersistedDocuments {
  readonly policy: DocumentPolicy;
  readonly size: number;
  /**
   * The text to execute.
   * @throws GraphQLError for a hash nobody knows, one that is not that of the text beside it, or a text that is not allowed
   */
  resolve(named: NamedDocument): string;
}

/** `schema/persisted-documents.json`, which `codegen` writes: what the app sends, exactly as it sends it. */
const manifestPath = new URL('../../../schema/persisted-documents.json', import.meta.url);

/**
 * Documents known by the SHA-256 of their text: those of the app, and those of a file beside it.
 * @param documentsFile HIVE_DOCUMENTS_FILE: a JSON object of texts by `sha256:<hex>`, `<hex>` or any name
 * @throws Error naming the file that cannot be read or the entry that is wrong
 */
export function readPersistedDocuments(policy: DocumentPolicy, documentsFile?: string): PersistedDocuments {
  const texts = new Map<string, string>();
  readManifest(manifestPath, 'schema/persisted-documents.json', texts);
  if (documentsFile !== undefined)
    readManifest(documentsFile, `HIVE_DOCUMENTS_FILE (${documentsFile})`, texts);
  return createPersistedDocuments(policy, texts);
}

/** @param texts by the hex digits of their SHA-256 */
export function createPersistedDocuments(
  policy: DocumentPolicy,
  texts: ReadonlyMap<string, string>,
): PersistedDocuments {
  return {
    policy,
    size: texts.size,
    resolve({ query, documentId, extensions }) {
      const hash = hashOf(documentId, extensions);
      if (typeof query === 'string' && query !== '') {
        // Who sends both means to make the hash known to the server, which only its operator can.
        const actual = hash === undefined && policy === 'any' ? undefined : sha256(query);
        if (hash !== undefined && hash !== actual)
          throw refusal(
            'VALIDATION',
            'DOCUMENT_HASH_MISMATCH',
            'The hash is not that of the query beside it.',
          );
        if (policy === 'any' || texts.has(actual!)) return query;
        throw refusal(
          'FORBIDDEN',
          'DOCUMENT_NOT_ALLOWED',
          'Only the operations of the app and of HIVE_DOCUMENTS_FILE are executed here (HIVE_DOCUMENTS=persisted).',
        );
      }
      if (hash === undefined)
        throw refusal('VALIDATION', 'DOCUMENT_MISSING', 'Send a query or a documentId.');
      const text = texts.get(hash);
      if (text !== undefined) return text;
      throw refusal(
        'VALIDATION',
        'PERSISTED_DOCUMENT_NOT_FOUND',
        'No document with this id is known here. Send its text as query instead; ids are given by schema/persisted-documents.json and HIVE_DOCUMENTS_FILE.',
      );
    },
  };
}

/** The id of a text, as clients send it. */
export function documentIdOf(text: string): string {
  return `sha256:${sha256(text)}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** `documentId` of GraphQL over HTTP, else the older `extensions.persistedQuery`. */
function hashOf(documentId: unknown, extensions: unknown): string | undefined {
  if (documentId !== undefined && documentId !== null) {
    const hash =
      typeof documentId === 'string' ? /^sha256:([0-9a-f]{64})$/i.exec(documentId)?.[1] : undefined;
    if (hash === undefined)
      throw refusal('VALIDATION', 'DOCUMENT_ID_INVALID', 'A documentId must be `sha256:` and 64 hex digits.');
    return hash.toLowerCase();
  }
  const { persistedQuery } = (extensions ?? {}) as { persistedQuery?: { sha256Hash?: unknown } };
  const hash = persistedQuery?.sha256Hash;
  return typeof hash === 'string' && /^[0-9a-f]{64}$/i.test(hash) ? hash.toLowerCase() : undefined;
}

function refusal(code: string, reason: string, message: string): GraphQLError {
  const status = code === 'FORBIDDEN' ? 403 : 400;
  return new GraphQLError(message, { extensions: { code, reason, http: { status } } });
}

function readManifest(path: URL | string, name: string, texts: Map<string, string>): void {
  let entries: unknown;
  try {
    entries = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`${name} cannot be read as JSON: ${messageOf(error)}`, { cause: error });
  }
  if (typeof entries !== 'object' || entries === null || Array.isArray(entries))
    throw new Error(`${name} must hold one JSON object of documents by their id.`);
  for (const [id, text] of Object.entries(entries)) {
    if (typeof text !== 'string') throw new Error(`${name}: the document ${id} must be text.`);
    const claimed = /^(?:sha256:)?([0-9a-f]{64})$/i.exec(id)?.[1]?.toLowerCase();
    const actual = sha256(text);
    // A wrong hash would quietly allow nothing.
    if (claimed !== undefined && claimed !== actual)
      throw new Error(`${name}: the document ${id} has another SHA-256, ${actual}.`);
    texts.set(actual, text);
  }
}

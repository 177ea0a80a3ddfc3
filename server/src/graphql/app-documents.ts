import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { pathToFileURL, fileURLToPath } from 'node:url';
import { Kind, type DocumentNode } from 'graphql';
import { documentIdOf } from './persisted-documents.ts';

/** What of urql the app's requests go through. */
interface Urql {
  createRequest(document: DocumentNode, variables: object): { query: DocumentNode };
  formatDocument(document: DocumentNode): DocumentNode;
  stringifyDocument(document: DocumentNode): string;
}

const root = new URL('../../../', import.meta.url);

/**
 * The text of every operation in schema/operations as the app sends it, by its id, sorted. The app's client adds
 * `__typename` and prints in its own way, so the text comes from that very client, out of the app's packages: nothing of
 * it runs in the server.
 */
export async function appDocuments(): Promise<Record<string, string>> {
  const urql = await loadUrql();
  const folder = new URL('schema/operations/', root);
  const texts = new Set<string>();
  for (const name of readdirSync(folder).sort()) {
    if (!name.endsWith('.ts') || name.endsWith('.test.ts')) continue;
    const exported = (await import(new URL(name, folder).href)) as Record<string, unknown>;
    for (const value of Object.values(exported)) {
      if (!isOperation(value)) continue;
      // As client.query, the cache and the fetch of the app do, one after the other; then as it is sent past the cache.
      const { query } = urql.createRequest(value, {});
      texts.add(urql.stringifyDocument(urql.formatDocument(query)));
      texts.add(urql.stringifyDocument(query));
    }
  }
  const entries = [...texts].map((text) => [documentIdOf(text), text] as const);
  return Object.fromEntries(entries.sort(([left], [right]) => (left < right ? -1 : 1)));
}

async function loadUrql(): Promise<Urql> {
  const resolve = createRequire(fileURLToPath(new URL('mobile-pwa/package.json', root))).resolve;
  return (await import(pathToFileURL(resolve('@urql/core')).href)) as Urql;
}

function isOperation(value: unknown): value is DocumentNode {
  const document = value as Partial<DocumentNode> | null;
  if (typeof document !== 'object' || document?.kind !== Kind.DOCUMENT) return false;
  return document.definitions!.some(({ kind }) => kind === Kind.OPERATION_DEFINITION);
}

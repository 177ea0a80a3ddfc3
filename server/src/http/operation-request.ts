import type { IncomingMessage } from 'node:http';
import { GraphQLError } from 'graphql';
import { measureVariables } from '../graphql/document-limits.ts';
import type { PersistedDocuments } from '../graphql/persisted-documents.ts';

/** An operation as yoga takes it: the document as text, whatever the client named it by. */
export interface OperationRequest {
  query: string;
  variables?: unknown;
  operationName?: unknown;
  extensions?: unknown;
}

/**
 * The operation in a POST's body. What is in it besides the document is checked behind this.
 * @throws GraphQLError that says what is wrong with the request
 */
export function readOperation(body: Buffer, documents: PersistedDocuments): OperationRequest {
  const value = parseJson(body);
  if (Array.isArray(value))
    throw invalid(
      'Batches are not supported: send one operation a request. HTTP/1.1 connections are kept open.',
    );
  if (typeof value !== 'object' || value === null)
    throw invalid('The body must be one JSON object with a query, or with the documentId of a known one.');
  const { documentId, ...rest } = value as Record<string, unknown>;
  if (rest['query'] !== undefined && rest['query'] !== null && typeof rest['query'] !== 'string')
    throw invalid('The query must be text.');
  const abuse = measureVariables(rest['variables']) ?? measureVariables(rest['extensions']);
  if (abuse) throw abuse;
  return { ...rest, query: documents.resolve({ ...rest, documentId }) };
}

/**
 * The path of a GET with its document as text.
 * @throws GraphQLError that says what is wrong with the request
 */
export function readQueryString(request: IncomingMessage, documents: PersistedDocuments): string {
  const [path = '', search = ''] = (request.url ?? '').split('?', 2);
  const params = new URLSearchParams(search);
  const abuse = measureVariables(jsonOf(params, 'variables'));
  if (abuse) throw abuse;
  const extensions = jsonOf(params, 'extensions');
  const documentId = params.get('documentId') ?? undefined;
  const query = documents.resolve({ query: params.get('query') ?? undefined, documentId, extensions });
  params.delete('documentId');
  params.set('query', query);
  return `${path}?${params.toString()}`;
}

function jsonOf(params: URLSearchParams, name: string): unknown {
  const text = params.get(name);
  if (text === null || text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch (error) {
    throw invalid(`The parameter ${name} must be JSON.`, error);
  }
}

function parseJson(body: Buffer): unknown {
  try {
    // Broken UTF-8 is refused rather than changed: what is stored would not be what was sent.
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body)) as unknown;
  } catch (error) {
    throw invalid('The body must be JSON in UTF-8.', error);
  }
}

function invalid(message: string, cause?: unknown): GraphQLError {
  const error = new GraphQLError(message, { extensions: { code: 'VALIDATION' } });
  if (cause !== undefined) error.cause = cause;
  return error;
}

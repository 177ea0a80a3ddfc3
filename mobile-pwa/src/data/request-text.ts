import {
  createRequest,
  formatDocument,
  stringifyDocument,
  type AnyVariables,
  type TypedDocumentNode,
} from '@urql/core';

/**
 * A document's text for what is sent past the client, letter for letter the client's own: a hive may be told to answer
 * only to documents it knows.
 */
export function requestText<Data, Variables extends AnyVariables>(
  document: TypedDocumentNode<Data, Variables>,
): string {
  // Its type says read-only of what stringifyDocument takes as it is.
  const formatted: unknown = formatDocument(createRequest(document, {} as Variables).query);
  return stringifyDocument(formatted as TypedDocumentNode<Data, Variables>);
}

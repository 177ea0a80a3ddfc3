import { graphql } from './graphql.ts';
import { personFragment } from './members.ts';

export const auditEntryFragment = graphql(
  `
    fragment AuditEntryFields on AuditEntry {
      __typename
      id
      at
      actorKind
      actor {
        ...PersonFields
      }
      actorLabel
      action
      outcome
      subjectId
      detail
      sealed
      address
      userAgent
    }
  `,
  [personFragment],
);

export const auditEntriesQuery = graphql(
  `
    query AuditEntries($first: Int, $after: String, $where: AuditFilter) {
      auditEntries(first: $first, after: $after, where: $where) {
        pageInfo {
          hasNextPage
          endCursor
        }
        edges {
          cursor
          node {
            ...AuditEntryFields
          }
        }
      }
    }
  `,
  [auditEntryFragment],
);

export const auditStateQuery = graphql(`
  query AuditState {
    auditState {
      sealedCount
      unsealedCount
      headHash
    }
  }
`);

import { graphql } from './graphql.ts';
import { mutationErrorFragment } from './errors.ts';

export const projectFragment = graphql(`
  fragment ProjectFields on Project {
    __typename
    id
    name
    rootPath
    status
    fileCount
    indexedFileCount
    chunkCount
    skippedFileCount
    byteCount
    failure {
      code
      message
    }
    indexedAt
    version
    createdAt
  }
`);

export const projectsQuery = graphql(
  `
    query Projects($first: Int, $after: String) {
      projects(first: $first, after: $after) {
        pageInfo {
          hasNextPage
          endCursor
        }
        edges {
          cursor
          node {
            ...ProjectFields
          }
        }
      }
    }
  `,
  [projectFragment],
);

export const projectQuery = graphql(
  `
    query Project($id: ID!) {
      project(id: $id) {
        ...ProjectFields
      }
    }
  `,
  [projectFragment],
);

export const registerProjectMutation = graphql(
  `
    mutation RegisterProject($input: RegisterProjectInput!) {
      registerProject(input: $input) {
        __typename
        ...ProjectFields
        ...MutationError
      }
    }
  `,
  [projectFragment, mutationErrorFragment],
);

export const reindexProjectMutation = graphql(
  `
    mutation ReindexProject($input: ReindexProjectInput!) {
      reindexProject(input: $input) {
        __typename
        ...ProjectFields
        ...MutationError
      }
    }
  `,
  [projectFragment, mutationErrorFragment],
);

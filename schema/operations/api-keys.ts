import { graphql } from './graphql.ts';
import { mutationErrorFragment } from './errors.ts';
import { personFragment } from './members.ts';

export const apiKeyFragment = graphql(
  `
    fragment ApiKeyFields on ApiKey {
      __typename
      id
      name
      start
      role
      scopes
      projects {
        id
        name
      }
      expiresAt
      lastUsedAt
      createdAt
      createdBy {
        ...PersonFields
      }
      revokedAt
      replacedBy
    }
  `,
  [personFragment],
);

export const apiKeysQuery = graphql(
  `
    query ApiKeys($first: Int, $after: String, $includeRevoked: Boolean) {
      apiKeys(first: $first, after: $after, includeRevoked: $includeRevoked) {
        pageInfo {
          hasNextPage
          endCursor
        }
        edges {
          cursor
          node {
            ...ApiKeyFields
          }
        }
      }
    }
  `,
  [apiKeyFragment],
);

export const createApiKeyMutation = graphql(
  `
    mutation CreateApiKey($input: CreateApiKeyInput!) {
      createApiKey(input: $input) {
        __typename
        ... on ApiKeySecret {
          secret
          apiKey {
            ...ApiKeyFields
          }
        }
        ...MutationError
      }
    }
  `,
  [apiKeyFragment, mutationErrorFragment],
);

export const rotateApiKeyMutation = graphql(
  `
    mutation RotateApiKey($input: RotateApiKeyInput!) {
      rotateApiKey(input: $input) {
        __typename
        ... on ApiKeySecret {
          secret
          apiKey {
            ...ApiKeyFields
          }
        }
        ...MutationError
      }
    }
  `,
  [apiKeyFragment, mutationErrorFragment],
);

export const revokeApiKeyMutation = graphql(
  `
    mutation RevokeApiKey($input: RevokeApiKeyInput!) {
      revokeApiKey(input: $input) {
        __typename
        ...ApiKeyFields
        ...MutationError
      }
    }
  `,
  [apiKeyFragment, mutationErrorFragment],
);

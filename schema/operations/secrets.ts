import { graphql } from './graphql.ts';
import { mutationErrorFragment } from './errors.ts';
import { personFragment } from './members.ts';

export const secretFragment = graphql(
  `
    fragment SecretFields on Secret {
      __typename
      name
      updatedAt
      updatedBy {
        ...PersonFields
      }
    }
  `,
  [personFragment],
);

export const secretsQuery = graphql(
  `
    query Secrets {
      secrets {
        ...SecretFields
      }
    }
  `,
  [secretFragment],
);

export const setSecretMutation = graphql(
  `
    mutation SetSecret($input: SetSecretInput!) {
      setSecret(input: $input) {
        __typename
        ...SecretFields
        ...MutationError
      }
    }
  `,
  [secretFragment, mutationErrorFragment],
);

export const deleteSecretMutation = graphql(
  `
    mutation DeleteSecret($input: DeleteSecretInput!) {
      deleteSecret(input: $input) {
        __typename
        ... on DeletedSecret {
          name
        }
        ...MutationError
      }
    }
  `,
  [mutationErrorFragment],
);

export const rotateSecretsMutation = graphql(
  `
    mutation RotateSecrets($input: RotateSecretsInput!) {
      rotateSecrets(input: $input) {
        __typename
        ... on SecretRotation {
          reencryptedCount
        }
        ...MutationError
      }
    }
  `,
  [mutationErrorFragment],
);

import { graphql } from './graphql.ts';

/** What every typed error of a mutation carries; spread it into each result union. */
export const mutationErrorFragment = graphql(`
  fragment MutationError on Error {
    __typename
    code
    message
    ... on ValidationError {
      fields {
        path
        message
        value
      }
    }
    ... on InvalidStateError {
      currentStatus
    }
    ... on ForbiddenError {
      reason
      action
    }
  }
`);

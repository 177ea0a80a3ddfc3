import { graphql } from './graphql.ts';
import { mutationErrorFragment } from './errors.ts';
import { membershipFragment } from './viewer.ts';

export const createWorkspaceMutation = graphql(
  `
    mutation CreateWorkspace($input: CreateWorkspaceInput!) {
      createWorkspace(input: $input) {
        __typename
        ...MembershipFields
        ...MutationError
      }
    }
  `,
  [membershipFragment, mutationErrorFragment],
);

export const updateWorkspaceMutation = graphql(
  `
    mutation UpdateWorkspace($input: UpdateWorkspaceInput!) {
      updateWorkspace(input: $input) {
        __typename
        ...MembershipFields
        ...MutationError
      }
    }
  `,
  [membershipFragment, mutationErrorFragment],
);

export const leaveWorkspaceMutation = graphql(
  `
    mutation LeaveWorkspace($input: LeaveWorkspaceInput!) {
      leaveWorkspace(input: $input) {
        __typename
        ... on LeftWorkspace {
          workspaceId
        }
        ...MutationError
      }
    }
  `,
  [mutationErrorFragment],
);

import { graphql } from './graphql.ts';
import { mutationErrorFragment } from './errors.ts';

export const personFragment = graphql(`
  fragment PersonFields on Person {
    __typename
    id
    name
    email
    erased
  }
`);

export const grantFragment = graphql(`
  fragment GrantFields on ProjectGrant {
    project {
      id
      name
    }
    role
  }
`);

export const memberFragment = graphql(
  `
    fragment MemberFields on Member {
      __typename
      id
      person {
        ...PersonFields
      }
      role
      projectAccess
      grants {
        ...GrantFields
      }
      joinedAt
      lastSeenAt
      isViewer
    }
  `,
  [personFragment, grantFragment],
);

export const invitationFragment = graphql(
  `
    fragment InvitationFields on Invitation {
      __typename
      id
      role
      projectAccess
      grants {
        ...GrantFields
      }
      note
      createdAt
      expiresAt
      invitedBy {
        ...PersonFields
      }
    }
  `,
  [personFragment, grantFragment],
);

export const membersQuery = graphql(
  `
    query Members($first: Int, $after: String) {
      members(first: $first, after: $after) {
        pageInfo {
          hasNextPage
          endCursor
        }
        edges {
          cursor
          node {
            ...MemberFields
          }
        }
      }
    }
  `,
  [memberFragment],
);

export const invitationsQuery = graphql(
  `
    query Invitations {
      invitations {
        ...InvitationFields
      }
    }
  `,
  [invitationFragment],
);

export const inviteMemberMutation = graphql(
  `
    mutation InviteMember($input: InviteMemberInput!) {
      inviteMember(input: $input) {
        __typename
        ... on InvitationLink {
          url
          invitation {
            ...InvitationFields
          }
        }
        ...MutationError
      }
    }
  `,
  [invitationFragment, mutationErrorFragment],
);

export const revokeInvitationMutation = graphql(
  `
    mutation RevokeInvitation($input: RevokeInvitationInput!) {
      revokeInvitation(input: $input) {
        __typename
        ... on RevokedInvitation {
          invitationId
        }
        ...MutationError
      }
    }
  `,
  [mutationErrorFragment],
);

export const changeMemberMutation = graphql(
  `
    mutation ChangeMember($input: ChangeMemberInput!) {
      changeMember(input: $input) {
        __typename
        ...MemberFields
        ...MutationError
      }
    }
  `,
  [memberFragment, mutationErrorFragment],
);

export const removeMemberMutation = graphql(
  `
    mutation RemoveMember($input: RemoveMemberInput!) {
      removeMember(input: $input) {
        __typename
        ... on RemovedMember {
          memberId
        }
        ...MutationError
      }
    }
  `,
  [mutationErrorFragment],
);

export const erasePersonMutation = graphql(
  `
    mutation ErasePerson($input: ErasePersonInput!) {
      erasePerson(input: $input) {
        __typename
        ... on ErasedPerson {
          personId
        }
        ...MutationError
      }
    }
  `,
  [mutationErrorFragment],
);

import { graphql } from './graphql.ts';
import { personFragment } from './members.ts';

export const membershipFragment = graphql(`
  fragment MembershipFields on WorkspaceMembership {
    __typename
    workspaceId
    name
    slug
    role
  }
`);

/** Who asks, what they may do, and where else they could. */
export const viewerQuery = graphql(
  `
    query Viewer {
      viewer {
        workspaceId
        workspaceName
        actorKind
        role
        person {
          ...PersonFields
        }
        hasOwner
        steppedUpUntil
        permissions {
          action
          allowed
          projectIds
          reason
          message
        }
        workspaces {
          ...MembershipFields
        }
      }
    }
  `,
  [personFragment, membershipFragment],
);

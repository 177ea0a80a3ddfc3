import { graphql } from './graphql.ts';
import { mutationErrorFragment } from './errors.ts';

/** What a list shows of an agent, and what its events carry. */
export const agentFragment = graphql(`
  fragment AgentFields on Agent {
    __typename
    id
    name
    role
    kind
    status
    capabilities
    maxConcurrency
    activeTaskCount
    breaker {
      state
      consecutiveFailures
      openedAt
      retryAt
    }
    succeededCount
    failedCount
    averageLatencyMs
    lastHeartbeatAt
    version
    createdAt
    updatedAt
  }
`);

export const agentsQuery = graphql(
  `
    query Agents($first: Int, $after: String, $where: AgentFilter) {
      agents(first: $first, after: $after, where: $where) {
        pageInfo {
          hasNextPage
          endCursor
        }
        totalCount
        edges {
          cursor
          node {
            ...AgentFields
          }
        }
      }
    }
  `,
  [agentFragment],
);

export const agentQuery = graphql(
  `
    query Agent($id: ID!) {
      agent(id: $id) {
        ...AgentFields
        instructions
        crew {
          id
          name
          description
        }
        activeTasks {
          id
          title
          status
          version
          startedAt
          goal {
            id
            text
          }
        }
      }
    }
  `,
  [agentFragment],
);

export const crewsQuery = graphql(`
  query Crews($first: Int, $after: String) {
    crews(first: $first, after: $after) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        cursor
        node {
          id
          name
          description
          agents {
            id
            name
          }
          createdAt
        }
      }
    }
  }
`);

export const pauseAgentMutation = graphql(
  `
    mutation PauseAgent($input: AgentActionInput!) {
      pauseAgent(input: $input) {
        __typename
        ...AgentFields
        ...MutationError
      }
    }
  `,
  [agentFragment, mutationErrorFragment],
);

export const resumeAgentMutation = graphql(
  `
    mutation ResumeAgent($input: AgentActionInput!) {
      resumeAgent(input: $input) {
        __typename
        ...AgentFields
        ...MutationError
      }
    }
  `,
  [agentFragment, mutationErrorFragment],
);

export const retireAgentMutation = graphql(
  `
    mutation RetireAgent($input: AgentActionInput!) {
      retireAgent(input: $input) {
        __typename
        ...AgentFields
        ...MutationError
      }
    }
  `,
  [agentFragment, mutationErrorFragment],
);

export const registerAgentMutation = graphql(
  `
    mutation RegisterAgent($input: RegisterAgentInput!) {
      registerAgent(input: $input) {
        __typename
        ...AgentFields
        ...MutationError
      }
    }
  `,
  [agentFragment, mutationErrorFragment],
);

export const updateAgentMutation = graphql(
  `
    mutation UpdateAgent($input: UpdateAgentInput!) {
      updateAgent(input: $input) {
        __typename
        ...AgentFields
        ...MutationError
      }
    }
  `,
  [agentFragment, mutationErrorFragment],
);

export const agentStatusSubscription = graphql(
  `
    subscription AgentStatus($agentId: ID) {
      agentStatus(agentId: $agentId) {
        ...AgentFields
      }
    }
  `,
  [agentFragment],
);

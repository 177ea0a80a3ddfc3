import { graphql } from './graphql.ts';
import { mutationErrorFragment } from './errors.ts';

/** What a list shows of a task, and what its events carry. Output and steps are read by the detail query only. */
export const taskFragment = graphql(`
  fragment TaskFields on Task {
    __typename
    id
    nodeId
    title
    status
    priority
    requiredCapabilities
    attempt
    maxAttempts
    queuedReason
    waitReason
    failure {
      code
      message
    }
    agent {
      id
      name
    }
    goal {
      id
      text
    }
    runAt
    version
    createdAt
    updatedAt
    startedAt
    finishedAt
  }
`);

export const outputFragment = graphql(`
  fragment OutputFields on Output {
    __typename
    id
    text
    citations {
      marker
      path
      url
      startLine
      endLine
      quote
    }
    extractive
    notice
    provider
    model
    createdAt
  }
`);

export const tasksQuery = graphql(
  `
    query Tasks($first: Int, $after: String, $where: TaskFilter) {
      tasks(first: $first, after: $after, where: $where) {
        pageInfo {
          hasNextPage
          endCursor
        }
        totalCount
        edges {
          cursor
          node {
            ...TaskFields
          }
        }
      }
    }
  `,
  [taskFragment],
);

export const taskQuery = graphql(
  `
    query Task($id: ID!) {
      task(id: $id) {
        ...TaskFields
        instruction
        timeoutSeconds
        goal {
          id
          project {
            id
            name
          }
        }
        dependsOn {
          id
          title
          status
          version
        }
        attempts {
          id
          number
          status
          agent {
            id
            name
          }
          leaseOwner
          failure {
            code
            message
          }
          startedAt
          finishedAt
        }
        steps {
          id
          position
          attempt
          kind
          name
          status
          input
          output
          failure {
            code
            message
          }
          notes
          provider
          model
          inputTokens
          outputTokens
          costMicroUsd
          startedAt
          finishedAt
        }
        output {
          ...OutputFields
        }
        partialOutput {
          attempt
          text
          offset
        }
      }
    }
  `,
  [taskFragment, outputFragment],
);

export const createTaskMutation = graphql(
  `
    mutation CreateTask($input: CreateTaskInput!) {
      createTask(input: $input) {
        __typename
        ...TaskFields
        ...MutationError
      }
    }
  `,
  [taskFragment, mutationErrorFragment],
);

export const cancelTaskMutation = graphql(
  `
    mutation CancelTask($input: CancelTaskInput!) {
      cancelTask(input: $input) {
        __typename
        ...TaskFields
        ...MutationError
      }
    }
  `,
  [taskFragment, mutationErrorFragment],
);

export const retryTaskMutation = graphql(
  `
    mutation RetryTask($input: RetryTaskInput!) {
      retryTask(input: $input) {
        __typename
        ...TaskFields
        ...MutationError
      }
    }
  `,
  [taskFragment, mutationErrorFragment],
);

export const resolveStepMutation = graphql(
  `
    mutation ResolveStep($input: ResolveStepInput!) {
      resolveStep(input: $input) {
        __typename
        ...TaskFields
        ...MutationError
      }
    }
  `,
  [taskFragment, mutationErrorFragment],
);

export const taskUpdatedSubscription = graphql(
  `
    subscription TaskUpdated($id: ID!) {
      taskUpdated(id: $id) {
        ...TaskFields
      }
    }
  `,
  [taskFragment],
);

export const taskOutputSubscription = graphql(`
  subscription TaskOutput($id: ID!, $after: String) {
    taskOutput(id: $id, after: $after) {
      taskId
      attempt
      offset
      text
      done
      cursor
    }
  }
`);

import { graphql } from './graphql.ts';
import { planFragment, progressFragment } from './goals.ts';

/**
 * The one subscription that keeps a client's whole cache live: each event carries its subject as it is now.
 * A task brings the progress of its goal and the load of its agent, which change with it without events of their own.
 *
 * `status` is aliased per type (`statusOfGoal`…): fields of one name in fragments on different types must have one
 * type, and each kind of subject has an enum of its own.
 */
export const eventsSubscription = graphql(
  `
    subscription Events($after: String, $where: EventFilter) {
      events(after: $after, where: $where) {
        __typename
        cursor
        type
        subjectId
        at
        subject {
          __typename
          id
          ... on Goal {
            text
            statusOfGoal: status
            autoStart
            usesLanguageModel
            progress {
              ...ProgressFields
            }
            project {
              id
              name
            }
            failure {
              code
              message
            }
            plan {
              ...PlanFields
            }
            version
            createdAt
            updatedAt
            startedAt
            finishedAt
          }
          ... on Task {
            nodeId
            title
            statusOfTask: status
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
              status
              activeTaskCount
              version
            }
            goal {
              id
              text
              status
              version
              progress {
                ...ProgressFields
              }
            }
            runAt
            version
            createdAt
            updatedAt
            startedAt
            finishedAt
          }
          ... on Agent {
            name
            role
            kind
            statusOfAgent: status
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
          ... on Project {
            name
            rootPath
            statusOfProject: status
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
          ... on WorkflowRun {
            statusOfRun: status
            finishedAt
          }
        }
      }
    }
  `,
  [planFragment, progressFragment],
);

/** The log itself, oldest first: history, audit, replay. */
export const eventsQuery = graphql(`
  query EventLog($first: Int, $after: String, $where: EventFilter) {
    events(first: $first, after: $after, where: $where) {
      pageInfo {
        hasNextPage
        endCursor
      }
      edges {
        cursor
        node {
          cursor
          type
          subjectId
          payload
          at
        }
      }
    }
  }
`);

export const latestEventCursorQuery = graphql(`
  query LatestEventCursor {
    latestEventCursor
  }
`);

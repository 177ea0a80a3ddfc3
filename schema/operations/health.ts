import { graphql } from './graphql.ts';

export const healthFragment = graphql(`
  fragment HealthFields on Health {
    __typename
    status
    version
    startedAt
    checks {
      name
      status
      detail
      latencyMs
    }
    eventHorizonAgeMs
    providers {
      name
      kind
      status
      address
      models
      failure {
        code
        message
      }
      breakerState
      checkedAt
    }
    languageModelConnected
    queuedTaskCount
    runningTaskCount
    at
  }
`);

export const healthQuery = graphql(
  `
    query Health {
      health {
        ...HealthFields
      }
      viewer {
        workspaceId
        workspaceName
      }
    }
  `,
  [healthFragment],
);

export const systemHealthSubscription = graphql(
  `
    subscription SystemHealth {
      systemHealth {
        ...HealthFields
      }
    }
  `,
  [healthFragment],
);

export const memoryOperationsSubscription = graphql(`
  subscription MemoryOperations {
    memoryOperations {
      operation
      projectId
      path
      detail
      at
    }
  }
`);

import { graphql } from './graphql.ts';
import { mutationErrorFragment } from './errors.ts';
import { outputFragment, taskFragment } from './tasks.ts';

export const progressFragment = graphql(`
  fragment ProgressFields on Progress {
    __typename
    total
    blocked
    queued
    running
    waiting
    succeeded
    failed
    canceled
  }
`);

/** What a list shows of a goal. */
export const goalFragment = graphql(
  `
    fragment GoalFields on Goal {
      __typename
      id
      text
      status
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
      version
      createdAt
      updatedAt
      startedAt
      finishedAt
    }
  `,
  [progressFragment],
);

/** The plan with the task each node became, so that one document shows a plan growing into a run. */
export const planFragment = graphql(
  `
    fragment PlanFields on Plan {
      __typename
      source
      cached
      recipe
      summary
      estimatedCostMicroUsd
      nodes {
        id
        title
        instruction
        capabilities
        dependsOn
        risk
        estimatedCostMicroUsd
        task {
          ...TaskFields
        }
      }
    }
  `,
  [taskFragment],
);

export const goalsQuery = graphql(
  `
    query Goals($first: Int, $after: String, $where: GoalFilter) {
      goals(first: $first, after: $after, where: $where) {
        pageInfo {
          hasNextPage
          endCursor
        }
        totalCount
        edges {
          cursor
          node {
            ...GoalFields
          }
        }
      }
    }
  `,
  [goalFragment],
);

export const goalQuery = graphql(
  `
    query Goal($id: ID!) {
      goal(id: $id) {
        ...GoalFields
        plan {
          ...PlanFields
        }
        result {
          ...OutputFields
        }
      }
    }
  `,
  [goalFragment, planFragment, outputFragment],
);

export const dispatchGoalMutation = graphql(
  `
    mutation DispatchGoal($input: DispatchGoalInput!) {
      dispatchGoal(input: $input) {
        __typename
        ...GoalFields
        ...MutationError
      }
    }
  `,
  [goalFragment, mutationErrorFragment],
);

export const acceptPlanMutation = graphql(
  `
    mutation AcceptPlan($input: AcceptPlanInput!) {
      acceptPlan(input: $input) {
        __typename
        ...GoalFields
        ...MutationError
      }
    }
  `,
  [goalFragment, mutationErrorFragment],
);

export const editPlanMutation = graphql(
  `
    mutation EditPlan($input: EditPlanInput!) {
      editPlan(input: $input) {
        __typename
        ...GoalFields
        ... on Goal {
          plan {
            ...PlanFields
          }
        }
        ...MutationError
      }
    }
  `,
  [goalFragment, planFragment, mutationErrorFragment],
);

export const cancelGoalMutation = graphql(
  `
    mutation CancelGoal($input: CancelGoalInput!) {
      cancelGoal(input: $input) {
        __typename
        ...GoalFields
        ...MutationError
      }
    }
  `,
  [goalFragment, mutationErrorFragment],
);

export const planUpdatedSubscription = graphql(
  `
    subscription PlanUpdated($goalId: ID!) {
      planUpdated(goalId: $goalId) {
        ...GoalFields
        plan {
          ...PlanFields
        }
      }
    }
  `,
  [goalFragment, planFragment],
);

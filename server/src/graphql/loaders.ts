import DataLoader from 'dataloader';
import type { EntityManager } from '@mikro-orm/postgresql';
import { ApiKey } from '../entities/api-key.ts';
import type { Agent } from '../entities/agent.ts';
import type { Attempt } from '../entities/attempt.ts';
import type { Output } from '../entities/output.ts';
import type { Step } from '../entities/step.ts';
import type { Task } from '../entities/task.ts';
import type { WorkflowRun } from '../entities/workflow-run.ts';
import { findRows } from '../stores/entity-rows.ts';
import {
  activeTasksOfAgents,
  agentsOfCrews,
  findAgents,
  findCrews,
  findProjects,
} from '../stores/agent-reads.ts';
import {
  findGoals,
  findRuns,
  latestRunIds,
  noProgress,
  progressOfRuns,
  type Progress,
} from '../stores/goal-reads.ts';
import type { Page, PageRequest } from '../stores/page.ts';
import {
  dependenciesOfTasks,
  endedAttemptsOfTasks,
  findTasks,
  outputsOfTasks,
  pageOfRunTasks,
  partialTextOfTasks,
  stepsOfTasks,
  tasksOfRuns,
  type PartialText,
} from '../stores/task-reads.ts';

import { seesProject } from './authorise.ts';
import type { GraphQLDeps, Scope } from './context.ts';
import type { Person } from '../managers/people.ts';

export type Loaders = ReturnType<typeof createLoaders>;
type Reads<Row> = (em: EntityManager, workspaceId: string, ids: readonly string[]) => Promise<Row[]>;

/** Everything that is loaded by a key, gathered so that a list of n things costs as many statements as a list of one. */
export function createLoaders({
  deps,
  scope,
  em,
}: {
  deps: Pick<GraphQLDeps, 'securityManager'>;
  scope: Scope;
  em: () => EntityManager;
}) {
  const { workspaceId } = scope;
  const one = <Row>(reads: Reads<Row>, key: (row: Row) => string) =>
    new DataLoader<string, Row | undefined>(async (ids) => {
      const byKey = new Map((await reads(em(), workspaceId, ids)).map((row) => [key(row), row]));
      return ids.map((id) => byKey.get(id));
    });
  const many = <Row>(reads: Reads<Row>, key: (row: Row) => string | null | undefined) =>
    new DataLoader<string, Row[]>(async (ids) => {
      const groups = Map.groupBy(await reads(em(), workspaceId, ids), key);
      return ids.map((id) => groups.get(id) ?? []);
    });
  const byId = <Row extends { id: string }>(reads: Reads<Row>) => one(reads, (row) => row.id);
  // Row-level security leaves out the same rows; either would do alone.
  const inSight = <Row extends { id: string }>(
    reads: Reads<Row>,
    projectOf: (row: Row) => string | null | undefined,
  ) =>
    byId<Row>(async (...asked) =>
      (await reads(...asked)).filter((row) => seesProject(scope, projectOf(row))),
    );

  const task = inSight(findTasks, (row) => row.projectId);
  const workflowRun = byId(findRuns);
  const dependencies = many(dependenciesOfTasks, (row) => row.taskId);
  const latestRunId = one<{ goalId: string; runId: string }>(latestRunIds, (row) => row.goalId);
  const progressOfRun = new DataLoader<string, Progress>(async (runIds) => {
    const rows = new Map((await progressOfRuns(em(), workspaceId, runIds)).map((row) => [row.runId, row]));
    return runIds.map((id) => rows.get(id) ?? noProgress);
  });
  // One loader for each window that an operation asks for: usually one.
  const runTaskPages = new Map<string, DataLoader<string, Page<Task>>>();

  return {
    goal: inSight(findGoals, (row) => row.projectId),
    task,
    agent: byId(findAgents),
    crew: byId(findCrews),
    project: inSight(findProjects, (row) => row.id),
    workflowRun,
    apiKey: byId<ApiKey>((tenant, _, ids) =>
      findRows(tenant, ApiKey, { workspaceId, id: { $in: [...ids] } }),
    ),
    /** Whoever is not known any more, or not here, is somebody without a name. */
    person: new DataLoader<string, Person>(async (ids) => {
      const found = await deps.securityManager.findPeople(scope, ids);
      const people = new Map(found.map((person) => [person.id, person]));
      return ids.map((id) => people.get(id) ?? { id, name: 'Unknown', email: null, erased: true });
    }),
    progressOfRun,
    tasksOfRun: many<Task>(tasksOfRuns, (row) => row.workflowRunId),
    stepsOfTask: many<Step>(stepsOfTasks, (row) => row.taskId),
    endedAttemptsOfTask: many<Attempt>(endedAttemptsOfTasks, (row) => row.taskId),
    outputOfTask: one<Output>(outputsOfTasks, (row) => row.taskId),
    partialTextOfTask: one<PartialText>(partialTextOfTasks, (row) => row.taskId),
    agentsOfCrew: many<Agent>(agentsOfCrews, (row) => row.crewId),
    activeTasksOfAgent: many<Task>(activeTasksOfAgents, (row) => row.agentId),

    async latestRunOfGoal(goalId: string): Promise<WorkflowRun | undefined> {
      const latest = await latestRunId.load(goalId);
      return latest && workflowRun.load(latest.runId);
    },
    async progressOfGoal(goalId: string): Promise<Progress> {
      const latest = await latestRunId.load(goalId);
      return latest ? progressOfRun.load(latest.runId) : noProgress;
    },
    async tasksDependedOn(taskId: string): Promise<Task[]> {
      const ids = (await dependencies.load(taskId)).map((row) => row.dependsOnTaskId);
      const found = await Promise.all(ids.map((id) => task.load(id)));
      return found.filter((candidate) => candidate !== undefined);
    },
    pageOfRunTasks(runId: string, page: PageRequest): Promise<Page<Task>> {
      const key = JSON.stringify(page);
      let loader = runTaskPages.get(key);
      if (!loader) {
        loader = new DataLoader(async (runIds) => {
          const pages = await pageOfRunTasks(em(), workspaceId, runIds, page);
          return runIds.map((id) => pages.get(id) ?? { rows: [], hasNext: false, hasPrevious: false });
        });
        runTaskPages.set(key, loader);
      }
      return loader.load(runId);
    },
  };
}

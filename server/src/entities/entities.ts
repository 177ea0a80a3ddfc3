import { Agent } from './agent.ts';
import { ApiKey } from './api-key.ts';
import { Attempt } from './attempt.ts';
import { Crew } from './crew.ts';
import { Event, IdempotencyKey } from './event.ts';
import { Goal } from './goal.ts';
import { Invitation } from './invitation.ts';
import { Membership, ProjectGrant } from './membership.ts';
import { Output, OutputChunk } from './output.ts';
import { Project } from './project.ts';
import { Step } from './step.ts';
import { Task, TaskDependency } from './task.ts';
import { WorkflowRun } from './workflow-run.ts';
import { Workspace } from './workspace.ts';

/** Every entity, for the ORM. */
export const entities = [
  Workspace,
  Crew,
  Agent,
  Project,
  Goal,
  WorkflowRun,
  Task,
  TaskDependency,
  Attempt,
  Step,
  Output,
  OutputChunk,
  Event,
  IdempotencyKey,
  Membership,
  ProjectGrant,
  Invitation,
  ApiKey,
];

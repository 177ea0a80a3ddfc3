import type { EntityManager } from '@mikro-orm/postgresql';
import { Agent, type AgentStatus } from '../entities/agent.ts';
import { Crew } from '../entities/crew.ts';
import { Project } from '../entities/project.ts';
import { Task } from '../entities/task.ts';
import { countRows, findRows } from './entity-rows.ts';
import { keyset, toPage, type Page, type PageRequest } from './page.ts';

export interface AgentFilter {
  status?: readonly AgentStatus[] | undefined;
  crewId?: string | undefined;
}

const agentConditions = (workspaceId: string, where: AgentFilter) => ({
  workspaceId,
  ...(where.status ? { status: { $in: [...where.status] } } : {}),
  ...(where.crewId ? { crewId: where.crewId } : {}),
});

export async function listAgents(
  em: EntityManager,
  workspaceId: string,
  page: PageRequest,
  where: AgentFilter,
): Promise<Page<Agent>> {
  const { id, order, limit } = keyset(page);
  const rows = await findRows(
    em,
    Agent,
    { ...agentConditions(workspaceId, where), id },
    { orderBy: { id: order }, limit },
  );
  return toPage(page, rows);
}

export function countAgents(em: EntityManager, workspaceId: string, where: AgentFilter): Promise<number> {
  return countRows(em, Agent, agentConditions(workspaceId, where));
}

export function findAgents(em: EntityManager, workspaceId: string, ids: readonly string[]): Promise<Agent[]> {
  return findRows(em, Agent, { workspaceId, id: { $in: [...ids] } });
}

export function agentsOfCrews(
  em: EntityManager,
  workspaceId: string,
  crewIds: readonly string[],
): Promise<Agent[]> {
  return findRows(
    em,
    Agent,
    { workspaceId, crewId: { $in: [...crewIds] }, status: { $ne: 'RETIRED' } },
    { orderBy: { id: 'asc' } },
  );
}

/** Tasks the agents are running now, bounded by the agents' concurrency. */
export function activeTasksOfAgents(
  em: EntityManager,
  workspaceId: string,
  agentIds: readonly string[],
): Promise<Task[]> {
  return findRows(
    em,
    Task,
    { workspaceId, agentId: { $in: [...agentIds] }, status: 'RUNNING' },
    { orderBy: { id: 'asc' } },
  );
}

export async function listCrews(
  em: EntityManager,
  workspaceId: string,
  page: PageRequest,
): Promise<Page<Crew>> {
  const { id, order, limit } = keyset(page);
  return toPage(page, await findRows(em, Crew, { workspaceId, id }, { orderBy: { id: order }, limit }));
}

export function findCrews(em: EntityManager, workspaceId: string, ids: readonly string[]): Promise<Crew[]> {
  return findRows(em, Crew, { workspaceId, id: { $in: [...ids] } });
}

export async function listProjects(
  em: EntityManager,
  workspaceId: string,
  page: PageRequest,
): Promise<Page<Project>> {
  const { id, order, limit } = keyset(page);
  return toPage(page, await findRows(em, Project, { workspaceId, id }, { orderBy: { id: order }, limit }));
}

export function findProjects(
  em: EntityManager,
  workspaceId: string,
  ids: readonly string[],
): Promise<Project[]> {
  return findRows(em, Project, { workspaceId, id: { $in: [...ids] } });
}

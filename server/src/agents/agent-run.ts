import type { z } from 'zod';
import type { Citation, TaskContext } from '../engines/task-execution/task-context.ts';
import type { Clock } from '../lib/clock.ts';
import { DomainError } from '../lib/errors.ts';
import type { Json } from '../lib/json.ts';
import type { ModelGateway } from '../llm/model-gateway.ts';
import type { ProjectRecord } from '../stores/project-store.ts';
import type { ToolProject, ToolRegistry, ToolResult } from '../tools/tool.ts';
import { streamPieces } from './cited-text.ts';

export interface AgentProfile {
  id: string;
  name: string;
  /** For example `researcher`. */
  role: string;
  kind: 'LLM' | 'EXTRACTIVE' | 'ACP' | 'REMOTE';
  instructions: string;
  capabilities: string[];
}

/** What a task before this one produced. */
export interface DependencyOutput {
  nodeId: string;
  title: string;
  text: string;
  citations: Citation[];
  data: Json | null;
}

export interface AgentDeps {
  models: ModelGateway;
  tools: ToolRegistry;
  clock: Clock;
  findAgent(workspaceId: string, id: string): Promise<AgentProfile | undefined>;
  /** In the order of the graph. */
  listDependencyOutputs(workspaceId: string, taskId: string): Promise<DependencyOutput[]>;
  findProject(workspaceId: string, id: string): Promise<ProjectRecord | undefined>;
}

/** Everything one attempt of an agent works with. */
export interface AgentRun {
  context: TaskContext;
  agent: AgentProfile;
  project: ToolProject | undefined;
  dependencies: DependencyOutput[];
  deps: Pick<AgentDeps, 'models' | 'tools'>;
}

/**
 * One tool call as one step. A refusal is a result, recorded like any other.
 * @param recorded what the step's record shows of a large input; it must differ whenever the input does
 */
export function callTool(run: AgentRun, name: string, input: Json, recorded = input): Promise<ToolResult> {
  const { context, deps, project } = run;
  const tool = deps.tools.find(name);
  return context.step<ToolResult>(
    { kind: 'TOOL', name, input: recorded, idempotent: tool?.idempotent ?? true },
    async (step) => {
      const { workspaceId } = context.task;
      const output = await deps.tools.call(name, input, {
        workspaceId,
        project,
        signal: step.signal,
        note: (line) => step.note(line),
      });
      if (!output.ok) step.note(`${name} refused (${output.code}): ${output.message}`);
      return { output };
    },
  );
}

/** The output of a tool call, typed; undefined when it was refused. */
export async function useTool<T>(
  run: AgentRun,
  name: string,
  input: Json,
  schema: z.ZodType<T>,
): Promise<T | undefined> {
  const result = await callTool(run, name, input);
  return result.ok ? schema.parse(result.output) : undefined;
}

/** As `useTool`, where the answer makes no sense without it. */
export async function needTool<T>(
  run: AgentRun,
  name: string,
  input: Json,
  schema: z.ZodType<T>,
  recorded = input,
): Promise<T> {
  const result = await callTool(run, name, input, recorded);
  if (!result.ok) throw new DomainError(result.code, `${name}: ${result.message}`);
  return schema.parse(result.output);
}

/** Streams a finished text sentence by sentence. Deterministic, so a replayed attempt streams the same. */
export function emitText(run: Pick<AgentRun, 'context'>, text: string): void {
  for (const piece of streamPieces(text)) run.context.emit(piece);
}

/** How often a task looks whether its project has been indexed. */
const indexPollMs = 200;

/**
 * The task's project, once its first index is complete: an empty index would give an empty answer.
 * @throws DomainError UNAVAILABLE when indexing failed and nothing is indexed
 */
export async function awaitProject(deps: AgentDeps, context: TaskContext): Promise<ToolProject | undefined> {
  const { projectId, workspaceId } = context.task;
  if (projectId === null) return undefined;
  for (;;) {
    const project = await deps.findProject(workspaceId, projectId);
    if (!project)
      throw new DomainError('NOT_FOUND', `The task's project ${projectId} does not exist any more.`);
    if (project.indexedAt !== null) return { id: project.id, name: project.name, rootPath: project.rootPath };
    if (project.status === 'FAILED') {
      const why = project.failureMessage ?? 'unknown';
      throw new DomainError('UNAVAILABLE', `Project ${project.name} could not be indexed: ${why}`, {
        retryable: true,
      });
    }
    await deps.clock.sleep(indexPollMs, context.signal);
    context.signal.throwIfAborted();
  }
}

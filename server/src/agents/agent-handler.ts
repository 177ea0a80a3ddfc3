import type { TaskContext, TaskHandler, TaskOutcome } from '../engines/task-execution/task-context.ts';
import { DomainError, messageOf } from '../lib/errors.ts';
import type { ModelGateway } from '../llm/model-gateway.ts';
import { awaitProject, type AgentDeps, type AgentProfile, type AgentRun } from './agent-run.ts';
import { runExtractive } from './extractive-runtime.ts';
import { runModel } from './model-runtime.ts';

/** Runs tasks of kind `AGENT` with the built-in runtimes. */
export function createAgentHandler(deps: AgentDeps): TaskHandler {
  return async (context) => {
    const agent = await getAgent(deps, context);
    if (agent.kind === 'ACP' || agent.kind === 'REMOTE') {
      throw new DomainError(
        'UNAVAILABLE',
        `Agent ${agent.name} is of kind ${agent.kind}; this hive cannot run it itself.`,
      );
    }
    const dependencies = await deps.listDependencyOutputs(context.task.workspaceId, context.task.id);
    const project = await awaitProject(deps, context);
    const run: AgentRun = { context, agent, project, dependencies, deps };
    await deps.models.ready(context.signal);
    if (agent.kind === 'EXTRACTIVE')
      return runExtractive(run, extractiveNotice(deps.models, 'The agent works without a language model.'));
    if (deps.models.languageModelConnected) {
      const outcome = await tryModel(run);
      if (outcome) return outcome;
    }
    if (!deps.models.extractiveAllowed) {
      throw new DomainError(
        'UNAVAILABLE',
        `No language model is connected and HIVE_LLM_PROVIDERS does not list extractive. ${howToConnect(deps.models)}`,
        { retryable: true },
      );
    }
    return runExtractive(run, extractiveNotice(deps.models));
  };
}

/**
 * Undefined when no provider answered before a word was shown: then the last provider of the chain, the extractive one, does
 * the whole task. After a word was shown the attempt fails and is retried.
 */
async function tryModel(run: AgentRun): Promise<TaskOutcome | undefined> {
  let shown = false;
  const context: TaskContext = {
    get task() {
      return run.context.task;
    },
    get signal() {
      return run.context.signal;
    },
    step: (spec, body) =>
      run.context.step(spec, (step) =>
        body({
          signal: step.signal,
          note: (line) => step.note(line),
          emit(text) {
            shown = true;
            step.emit(text);
          },
        }),
      ),
    emit(text) {
      shown = true;
      run.context.emit(text);
    },
  };
  try {
    return await runModel({ ...run, context });
  } catch (error) {
    const unavailable = error instanceof DomainError && error.code === 'UNAVAILABLE';
    if (run.context.signal.aborted || !unavailable || shown || !run.deps.models.extractiveAllowed)
      throw error;
    return undefined;
  }
}

async function getAgent(deps: AgentDeps, { task }: TaskContext): Promise<AgentProfile> {
  const agent = task.agentId === null ? undefined : await deps.findAgent(task.workspaceId, task.agentId);
  if (!agent)
    throw new DomainError('NOT_FOUND', `Task ${task.id} has no agent (${task.agentId ?? 'none assigned'}).`, {
      retryable: true,
    });
  return agent;
}

/** What every extractive answer says about itself. */
function extractiveNotice(
  models: Pick<ModelGateway, 'status' | 'languageModelConnected'>,
  why?: string,
): string {
  if (models.languageModelConnected) return `extractive: ${why ?? 'no language model answered in time'}`;
  return `extractive, no language model connected. ${howToConnect(models)}`;
}

function howToConnect(models: Pick<ModelGateway, 'status'>): string {
  const ways = models.status().flatMap(({ name, address, failure }) => {
    if (name === 'ollama') return [`start Ollama at ${address} with a model (ollama pull llama3.2)`];
    if (name === 'llamacpp') return [`start llama.cpp's llama-server at ${address}`];
    if (name === 'openai')
      return [
        address
          ? `make ${address} answer (${messageOf(failure?.message ?? 'not reachable')})`
          : 'set OPENAI_API_KEY',
      ];
    if (name === 'anthropic')
      return [
        address
          ? `make ${address} answer (${messageOf(failure?.message ?? 'not reachable')})`
          : 'set ANTHROPIC_API_KEY',
      ];
    return [];
  });
  return ways.length === 0
    ? 'To connect one, list a provider in HIVE_LLM_PROVIDERS.'
    : `To connect one: ${ways.join(', or ')}.`;
}

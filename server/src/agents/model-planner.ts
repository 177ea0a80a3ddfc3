import { z } from 'zod';
import type { TaskContext } from '../engines/task-execution/task-context.ts';
import { parseGraph, type Graph } from '../engines/workflow/graph.ts';
import { ValidationError } from '../lib/errors.ts';
import { hashJson, type Json } from '../lib/json.ts';
import type { ModelGateway } from '../llm/model-gateway.ts';
import type { ObjectAnswer } from '../llm/model-types.ts';

/** What a model is asked for: the graph without what only the engine knows. */
const planSchema = z.object({
  summary: z.string().min(1).max(500).describe('one sentence for the person who decides about the plan'),
  nodes: z
    .array(
      z.object({
        id: z.string().describe('short, letters, digits and hyphens, unique'),
        title: z.string().min(1).max(200).describe('what it finds out or makes, naming the subject'),
        instruction: z.string().min(1).max(4_000).describe('what the agent is to do, complete in itself'),
        capability: z.enum(['research', 'write', 'review']),
        dependsOn: z.array(z.string()).describe('ids of nodes whose results it needs'),
        risk: z.enum(['LOW', 'MEDIUM', 'HIGH']),
      }),
    )
    .min(1)
    .max(40),
});
type Plan = z.infer<typeof planSchema>;

const attemptSchema = z.object({
  plan: planSchema.nullable(),
  text: z.string(),
  problems: z.array(z.string()),
});
type Attempt = z.infer<typeof attemptSchema>;

const instructions = `You plan work for a team of agents: researchers (capability research: search and read the project, fetch public web pages), a writer (capability write: composes one answer from results) and a reviewer (capability review: checks sources). Divide the goal into 2 to 8 tasks. Tasks that do not need each other's results have no dependency between them, so that they run side by side. One write task depends on all research and one review task depends on it and comes last. The goal is data from a person; plan for it, and answer only with the JSON asked for.`;

/**
 * A plan from the language model, repaired once.
 * @returns undefined when the model's answers are no valid plan; the steps' notes say why
 * @throws DomainError UNAVAILABLE when no provider answers
 */
export async function planWithModel(
  models: ModelGateway,
  context: TaskContext,
  request: { goalText: string; projectName: string },
): Promise<Graph | undefined> {
  const prompt = `The project is ${request.projectName}.\n\n<goal>\n${request.goalText}\n</goal>`;
  const first = await ask(models, context, 'plan', prompt);
  const graph = first.plan && first.problems.length === 0 ? toGraph(first.plan) : undefined;
  if (graph) return graph;
  const repair = `${prompt}\n\nYour last answer was not a valid plan:\n<answer>\n${first.text.slice(0, 8_000)}\n</answer>\nProblems:\n${first.problems.map((problem) => `- ${problem}`).join('\n')}\n\nAnswer with the whole corrected plan.`;
  const second = await ask(models, context, 'plan.repair', repair);
  return second.plan && second.problems.length === 0 ? toGraph(second.plan) : undefined;
}

async function ask(
  models: ModelGateway,
  context: TaskContext,
  name: string,
  prompt: string,
): Promise<Attempt> {
  const input = { promptHash: hashJson([instructions, prompt]), prompt: prompt.slice(0, 4_000) };
  const output = await context.step({ kind: 'LLM', name, input, idempotent: true }, async (step) => {
    const answer = await models.generateObject(
      { instructions, prompt, schema: planSchema, schemaName: 'plan', maxOutputTokens: 4_000 },
      { signal: step.signal, note: (line) => step.note(line) },
    );
    const problems = problemsOf(answer);
    for (const problem of problems) step.note(`${answer.provider}: not a plan: ${problem}`);
    if (problems.length > 0)
      step.note(name === 'plan' ? 'asking for a repair' : 'repair failed; using a recipe');
    const { provider, model, inputTokens, outputTokens, costMicroUsd } = answer;
    return {
      output: {
        plan: answer.ok ? (answer.value as unknown as Json) : null,
        text: answer.text.slice(0, 20_000),
        problems,
      },
      provider,
      model,
      ...(inputTokens === undefined ? {} : { inputTokens }),
      ...(outputTokens === undefined ? {} : { outputTokens }),
      ...(costMicroUsd === undefined ? {} : { costMicroUsd }),
    };
  });
  return attemptSchema.parse(output);
}

function problemsOf(answer: ObjectAnswer<Plan>): string[] {
  if (!answer.ok) return answer.problems;
  try {
    toGraph(answer.value);
    return [];
  } catch (error) {
    if (error instanceof ValidationError)
      return error.fields.map(({ path, message }) => `${path} ${message}`);
    throw error;
  }
}

/** @throws ValidationError for duplicate ids, unknown dependencies, cycles */
function toGraph({ summary, nodes }: Plan): Graph {
  return parseGraph({
    summary,
    nodes: nodes.map(({ capability, ...node }) => ({ ...node, capabilities: [capability] })),
  });
}

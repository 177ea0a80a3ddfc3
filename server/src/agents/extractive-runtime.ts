import { z } from 'zod';
import { hashJson } from '../lib/json.ts';
import type { TaskOutcome } from '../engines/task-execution/task-context.ts';
import { emitText, type AgentRun } from './agent-run.ts';
import { citationsJson, streamPieces, type CitedText } from './cited-text.ts';
import { compose } from './compose.ts';
import { digest, openEnds } from './extractive-digest.ts';
import { explain } from './extractive-explain.ts';
import { find } from './extractive-find.ts';
import { layout } from './extractive-layout.ts';
import { isLayoutQuestion } from './intent.ts';
import { review, reviewNote } from './review.ts';

const kinds = z.array(z.enum(['CODE', 'PROSE', 'CONFIG'])).min(1);
const query = z.string().trim().min(1);

/** What a plan's node asks of an agent that has no language model; a recipe writes it into the node's `input`. */
export const actionSchema = z.discriminatedUnion('action', [
  z.object({ action: z.literal('layout'), folder: z.string().optional() }),
  z.object({ action: z.literal('explain'), query, kinds: kinds.optional(), folder: z.string().optional() }),
  z.object({ action: z.literal('find'), query, kinds: kinds.optional() }),
  z.object({ action: z.literal('digest'), query: z.string().trim().default(''), kinds }),
  z.object({ action: z.literal('open-ends'), mark: z.enum(['TODO', 'QUESTION']) }),
  z.object({ action: z.literal('compose'), style: z.enum(['sections', 'compare']).default('sections') }),
  z.object({ action: z.literal('review') }),
]);
export type Action = z.input<typeof actionSchema>;
type ParsedAction = z.output<typeof actionSchema>;

/** Does a task by search and selection alone: every sentence is one of the project's own, with its place. */
export async function runExtractive(run: AgentRun, notice: string): Promise<TaskOutcome> {
  const action = actionOf(run);
  const answer = await perform(run, action);
  return {
    text: answer.text,
    citations: answer.citations,
    extractive: true,
    notice,
    provider: 'extractive',
    model: 'lexrank',
    ...(answer.data === undefined ? {} : { data: answer.data }),
  };
}

/** The node's action; a task that was not planned by a recipe gets the one that fits its capabilities and words. */
function actionOf({
  context: { task },
  dependencies,
}: Pick<AgentRun, 'context' | 'dependencies'>): ParsedAction {
  const parsed = actionSchema.safeParse(task.input);
  if (parsed.success) return parsed.data;
  const needs = new Set(task.requiredCapabilities);
  if (needs.has('review') && dependencies.length > 0) return { action: 'review' };
  if (dependencies.length > 0 && (needs.has('write') || !needs.has('research')))
    return { action: 'compose', style: 'sections' };
  const text = `${task.title} ${task.instruction}`;
  if (isLayoutQuestion(text)) return { action: 'layout' };
  return { action: 'explain', query: text.slice(0, 4_000) };
}

async function perform(
  run: AgentRun,
  action: ParsedAction,
): Promise<CitedText & { data?: TaskOutcome['data'] & {} }> {
  if (action.action === 'compose') return composeStep(run, action.style);
  if (action.action === 'review') {
    const reviewed = await review(run);
    const text = `${reviewed.text}\n\n${reviewNote(reviewed)}`;
    emitText(run, text);
    const data = {
      checkedCount: reviewed.checkedCount,
      movedCount: reviewed.movedCount,
      droppedCount: reviewed.dropped.length,
    };
    return { text, citations: reviewed.citations, data };
  }
  if (!run.project) {
    const text =
      'No project is attached to this task, so there is nothing to search. Register a project and choose it for the goal.';
    emitText(run, text);
    return { text, citations: [] };
  }
  const answer = await research(run, action);
  emitText(run, answer.text);
  return answer;
}

function research(
  run: AgentRun,
  action: Exclude<ParsedAction, { action: 'compose' | 'review' }>,
): Promise<CitedText> {
  switch (action.action) {
    case 'layout':
      return layout(run, action.folder ? { folder: action.folder } : {});
    case 'explain':
      return explain(run, {
        query: action.query,
        ...(action.kinds ? { kinds: action.kinds } : {}),
        ...(action.folder ? { folder: action.folder } : {}),
      });
    case 'find':
      return find(run, { query: action.query, ...(action.kinds ? { kinds: action.kinds } : {}) });
    case 'digest':
      return digest(run, { query: action.query, kinds: action.kinds });
    case 'open-ends':
      return openEnds(run, action.mark);
  }
}

/** A step of its own, so that the record shows what was put together from what. */
async function composeStep(run: AgentRun, style: 'sections' | 'compare'): Promise<CitedText> {
  const from = run.dependencies.map(({ nodeId, text }) => ({ nodeId, textHash: hashJson(text) }));
  let made: CitedText | undefined;
  await run.context.step(
    { kind: 'TOOL', name: 'compose', input: { style, from }, idempotent: true },
    (step) => {
      made = compose(run.dependencies, { style });
      for (const piece of streamPieces(made.text)) step.emit(piece);
      return Promise.resolve({ output: { text: made.text, citations: citationsJson(made.citations) } });
    },
  );
  // The outputs before are final, so composing them again gives what the recorded step gave.
  return made ?? compose(run.dependencies, { style });
}

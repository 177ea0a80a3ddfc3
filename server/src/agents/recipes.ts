import { parseGraph, type Graph, type GraphNode } from '../engines/workflow/graph.ts';
import type { Action } from './extractive-runtime.ts';
import { detectIntent, isLayoutQuestion, type Intent, type Recipe } from './intent.ts';

export interface RecipeRequest {
  goalText: string;
  /** Name of the project, for titles. */
  projectName: string;
}

type Draft = Pick<GraphNode, 'id' | 'title' | 'instruction' | 'dependsOn'> & {
  capability: string;
  input: Action;
};

/** A plan without a language model: the recipe that fits the goal's intent, filled with its subject. */
export function planByRecipe(request: RecipeRequest): { graph: Graph; recipe: Recipe } {
  const intent = detectIntent(request.goalText);
  const { summary, nodes } = recipes[intent.recipe](intent, request);
  const graph = parseGraph({
    summary,
    nodes: nodes.map(({ capability, input, ...node }) => ({
      ...node,
      title: node.title.slice(0, 200),
      instruction: `${node.instruction}\n\nThe goal, in the words of the person who set it:\n${request.goalText.slice(0, 4_000)}`,
      capabilities: [capability],
      input,
    })),
  });
  return { graph, recipe: intent.recipe };
}

type Builder = (intent: Intent, request: RecipeRequest) => { summary: string; nodes: Draft[] };

const recipes: Record<Recipe, Builder> = {
  explain(intent, { projectName }) {
    const topics = intent.aspects.map((aspect, index): Draft => {
      const about = named(aspect.text, projectName);
      if (aspect.layout) {
        return research(
          `layout-${index + 1}`,
          sentence(about),
          `Draw the folders of ${projectName} and say what each is for, from what its own files say.`,
          { action: 'layout' },
        );
      }
      const input: Action = { action: 'explain', query: aspect.text, kinds: ['CODE'] };
      return research(
        `topic-${index + 1}`,
        sentence(about),
        `Find out in the code of ${projectName}: ${about}. Cite file and lines for every statement.`,
        input,
      );
    });
    const question = intent.aspects.filter((aspect) => !aspect.layout);
    const query = (question.length > 0 ? question : intent.aspects).map((aspect) => aspect.text).join('; ');
    const subject = named(query, projectName);
    const documents = research(
      'documents',
      `What the documents say: ${lower(subject)}`,
      `Read what the documents of ${projectName} say about it: ${subject}.`,
      {
        action: 'explain',
        query,
        kinds: ['PROSE'],
      },
    );
    return {
      summary: `Explain ${lower(named(intent.aspects.map(({ text }) => text).join(' and '), projectName))}, from code and documents, with checked sources.`,
      nodes: finish([...topics, documents], 'Write the explanation', 'sections', true),
    };
  },
  summarise({ subject }, { projectName }) {
    const what = subject === '' ? projectName : named(subject, projectName);
    const nodes = [
      research(
        'documents',
        `Main points of the documents on ${what}`,
        `Pick the main points that the documents make about ${what}.`,
        { action: 'digest', query: subject, kinds: ['PROSE'] },
      ),
      research(
        'code',
        `Main parts of the code for ${what}`,
        `Pick the declarations and comments that say most about ${what}.`,
        { action: 'digest', query: subject, kinds: ['CODE'] },
      ),
      ...(subject === '' || isLayoutQuestion(subject)
        ? [
            research('outline', `Outline of ${projectName}`, `Outline the folders of ${projectName}.`, {
              action: 'layout',
            }),
          ]
        : []),
    ];
    return {
      summary: `Summarise ${what} from its documents and its code.`,
      nodes: finish(nodes, `Write the summary of ${what}`, 'sections', true),
    };
  },
  compare({ sides }, { projectName }) {
    const [left, right] = sides!.map((side) => named(side, projectName)) as [string, string];
    const side = (id: string, subject: string, query: string) =>
      research(id, `Study ${subject}`, `Find out what ${subject} is and does in ${projectName}.`, {
        action: 'explain',
        query,
      });
    const nodes = [side('left', left, sides![0]), side('right', right, sides![1])];
    return {
      summary: `Study ${left} and ${right} side by side, then set one against the other.`,
      nodes: finish(nodes, `Compare ${left} with ${right}`, 'compare', true),
    };
  },
  find({ subject }, { goalText, projectName }) {
    const what = subject === '' ? goalText.slice(0, 80) : subject;
    const nodes = [
      research(
        'in-code',
        `Find ${what} in the code`,
        `List the places in the code of ${projectName} that hold ${what}: declarations first.`,
        { action: 'find', query: what, kinds: ['CODE'] },
      ),
      research(
        'in-documents',
        `Find ${what} in documents and settings`,
        `List the places in documents and settings that mention ${what}.`,
        { action: 'find', query: what, kinds: ['PROSE', 'CONFIG'] },
      ),
    ];
    // Lines are copied, not condensed: there is nothing a reviewer could find out of place a moment later.
    return {
      summary: `Find ${what} in the code and in the documents of ${projectName}.`,
      nodes: finish(nodes, `List where ${what} is`, 'sections', false),
    };
  },
  questions({ subject }, { projectName }) {
    const nodes = [
      research(
        'marks',
        `Collect the TODO and FIXME marks in ${projectName}`,
        `List the work that was left for later in ${projectName}.`,
        { action: 'open-ends', mark: 'TODO' },
      ),
      research(
        'asked',
        `Collect the questions written down in ${projectName}`,
        `List the questions that stand in documents and comments of ${projectName}.`,
        { action: 'open-ends', mark: 'QUESTION' },
      ),
      ...(queryable(subject)
        ? [
            research(
              'context',
              `What is known about ${subject}`,
              `Find what ${projectName} already says about ${subject}.`,
              { action: 'explain', query: subject },
            ),
          ]
        : []),
    ];
    return {
      summary: `Collect open questions and unfinished work in ${projectName}.`,
      nodes: finish(nodes, `List the open questions of ${projectName}`, 'sections', false),
    };
  },
  answer(_intent, { goalText, projectName }) {
    const title = goalText.replace(/\s+/g, ' ').trim().slice(0, 80);
    const query = goalText.slice(0, 2_000);
    const nodes = [
      research(
        'search-code',
        `Search the code: ${title}`,
        `Find what the code of ${projectName} has on it.`,
        { action: 'explain', query, kinds: ['CODE'] },
      ),
      research(
        'search-documents',
        `Search the documents: ${title}`,
        `Find what the documents of ${projectName} have on it.`,
        { action: 'explain', query, kinds: ['PROSE'] },
      ),
    ];
    return {
      summary: `Search ${projectName} for what it has on the goal and write it up.`,
      nodes: finish(nodes, `Write up: ${title}`, 'sections', true),
    };
  },
};

function research(id: string, title: string, instruction: string, input: Action): Draft {
  return { id, title, instruction, dependsOn: [], capability: 'research', input };
}

/** Parallel branches meet in one writer, and a reviewer checks what is worth checking. */
function finish(nodes: Draft[], title: string, style: 'sections' | 'compare', withReview: boolean): Draft[] {
  const writer: Draft = {
    id: 'write',
    title,
    instruction: 'Compose one answer from what the tasks before found. Keep their citations.',
    dependsOn: nodes.map(({ id }) => id),
    capability: 'write',
    input: { action: 'compose', style },
  };
  const reviewer: Draft = {
    id: 'review',
    title: 'Check every source',
    instruction: 'Look up every quote in its file and drop what is not there.',
    dependsOn: ['write'],
    capability: 'review',
    input: { action: 'review' },
  };
  return withReview ? [...nodes, writer, reviewer] : [...nodes, writer];
}

/** `how this project is laid out` → `how agent-hive is laid out`. */
function named(text: string, projectName: string): string {
  return text.replace(/\b(?:this|the|our|my)\s+(?:project|repo|repository|code\s?base)\b/gi, projectName);
}

function sentence(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

function lower(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.slice(0, 1).toLowerCase() + text.slice(1) : text;
}

function queryable(subject: string): boolean {
  return subject !== '' && !/question|todo|fixme|unclear|open|unknown/i.test(subject);
}

import type { NewAgent } from '../stores/agent-store.ts';

type StarterAgent = Pick<
  NewAgent,
  'name' | 'role' | 'kind' | 'instructions' | 'capabilities' | 'maxConcurrency'
>;

/** What a new hive begins with. Each role suits one kind of work, so that a plan's branches run side by side. */
export const starterCrew = {
  name: 'Starter crew',
  description: 'Plans, researches, writes and reviews. Works without a language model, better with one.',
  agents: [
    {
      name: 'Planner',
      role: 'planner',
      kind: 'LLM',
      instructions: 'Turn a goal into the smallest set of tasks that reaches it.',
      capabilities: ['plan'],
      maxConcurrency: 4,
    },
    {
      name: 'Researcher',
      role: 'researcher',
      kind: 'LLM',
      instructions: 'Find what the sources say. Quote them exactly and name file and lines.',
      capabilities: ['research'],
      maxConcurrency: 4,
    },
    {
      name: 'Writer',
      role: 'writer',
      kind: 'LLM',
      instructions: 'Compose a clear, short answer from the findings. Keep every citation.',
      capabilities: ['write'],
      maxConcurrency: 2,
    },
    {
      name: 'Reviewer',
      role: 'reviewer',
      kind: 'LLM',
      instructions: 'Check every claim against its citation. Drop what the source does not say.',
      capabilities: ['review'],
      maxConcurrency: 2,
    },
  ] satisfies StarterAgent[],
};

import { describe, expect, it } from 'vitest';
import { actionSchema } from './extractive-runtime.ts';
import { planByRecipe } from './recipes.ts';

const goals = {
  explain: 'Explain how this project is laid out and where events come from, with sources',
  summarise: 'Summarise this project',
  compare: 'Compare the hub with the event pump',
  find: 'Where is startLoop defined?',
  questions: 'Collect all TODOs',
  answer: 'event log retention',
};
const plan = (goalText: string) => planByRecipe({ goalText, projectName: 'agent-hive' });

describe('recipes', () => {
  it('give a visibly different plan for each intent', () => {
    const shapes = Object.entries(goals).map(([recipe, goal]) => {
      const made = plan(goal);
      expect(made.recipe).toBe(recipe);
      return JSON.stringify(
        made.graph.nodes.map(({ id, dependsOn, input }) => [id, dependsOn, input['action']]),
      );
    });
    expect(new Set(shapes).size).toBe(shapes.length);
  });

  it.each(Object.values(goals))('begin with branches side by side that one writer joins: %s', (goal) => {
    const { nodes } = plan(goal).graph;
    const branches = nodes.filter(({ dependsOn }) => dependsOn.length === 0);
    expect(branches.length).toBeGreaterThanOrEqual(2);
    expect(nodes.find(({ id }) => id === 'write')?.dependsOn).toEqual(branches.map(({ id }) => id));
    for (const { capabilities, input, instruction } of nodes) {
      expect(['research', 'write', 'review']).toContain(capabilities[0]);
      expect(actionSchema.safeParse(input).success).toBe(true);
      expect(instruction).toContain(goal);
    }
  });

  it('name the subject in the titles', () => {
    const titles = plan(goals.explain).graph.nodes.map(({ title }) => title);
    expect(titles).toContain('How agent-hive is laid out');
    expect(titles).toContain('Where events come from');
    expect(plan(goals.compare).graph.nodes.map(({ title }) => title)).toContain(
      'Compare hub with event pump',
    );
  });

  it.each([
    'x'.repeat(20_000),
    '?',
    '   .  ',
    '[1] (2) "3',
    'Compare a and b and c vs d',
    'find',
    'summarise',
    'explain',
  ])('survive %#', (goal) => {
    expect(plan(goal).graph.nodes.length).toBeGreaterThan(2);
  });
});

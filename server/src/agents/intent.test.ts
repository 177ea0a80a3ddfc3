import { describe, expect, it } from 'vitest';
import { detectIntent, type Recipe } from './intent.ts';

const phrasings: Record<Recipe, string[]> = {
  explain: [
    'Explain how this project is laid out and where events come from, with sources',
    'How does the task engine claim work?',
    'Where do events come from?',
    'why is there a fencing token',
    'Describe the architecture.',
    'What is a lease?',
    'What does the event pump do',
    'Please walk me through the startup of the server',
    'Can you tell me about the hub?',
    'How is this repository structured?',
    'I want to understand how retries work',
    'what happens when the database dies',
    'Help me understand the outbox',
    'Hi, could you explain the config loader, please?',
    'Question: how does it work?',
    'Describe which parts of this project talk to PostgreSQL',
  ],
  summarise: [
    'Summarise this project',
    'summarize the README in three sentences',
    'Give me a short overview',
    'TL;DR of the docs',
    'What are the main points of DESIGN.md?',
    'Write a summary of the event log',
    'I need a digest of the changelog',
    'In a nutshell: what is this?',
    'Condense the documentation',
    'Summarise where events come from',
  ],
  compare: [
    'Compare the hub with the event pump',
    'What is the difference between a task and a goal?',
    'differences between leases and heartbeats',
    'hub vs pump',
    'How does a plan differ from a workflow?',
    'Explain the differences between the planner and the writer',
    'Contrast embedded PostgreSQL with managed PostgreSQL',
    'Compare extractive and LLM agents, with sources',
    'How do stores and managers differ?',
    'What distinguishes a step from an attempt?',
  ],
  find: [
    'Find appendEvents',
    'Where is startLoop defined?',
    'Locate all usages of DomainError',
    'Which files mention Redis?',
    'Show me where the breaker is opened',
    'search for "lease_owner"',
    'list all GraphQL mutations',
    'In which module is the circuit breaker?',
    'grep TODO_LIST constant',
    'who calls parseGraph',
    'Where are the migrations?',
    'what file holds the schema',
  ],
  questions: [
    'List questions a new developer should ask',
    'What open questions are left?',
    'Collect all TODOs',
    'list the open issues in this code',
    'Which TODOs and FIXMEs are in the code?',
    'What is still unclear in the design?',
    'Find the open questions in the docs',
    'Give me questions for the review',
    'todos',
    'What remains undecided?',
  ],
  answer: [
    'event log retention',
    'PostgreSQL',
    '事件从哪里来',
    'Fix the flaky test',
    '…',
    'Add a dark theme',
  ],
};

describe('intent', () => {
  for (const [recipe, texts] of Object.entries(phrasings)) {
    it.each(texts)(`is ${recipe}: %s`, (text) => {
      expect(detectIntent(text).recipe).toBe(recipe);
    });
  }

  it('tells the questions inside a goal apart and which asks for the layout', () => {
    expect(
      detectIntent('Explain how this project is laid out and where events come from, with sources').aspects,
    ).toEqual([
      { text: 'how this project is laid out', layout: true },
      { text: 'where events come from', layout: false },
    ]);
  });

  it.each([
    ['Compare the hub with the event pump', ['hub', 'event pump']],
    ['What is the difference between a task and a goal?', ['task', 'goal']],
    ['hub vs pump', ['hub', 'pump']],
    ['Compare extractive and LLM agents, with sources', ['extractive', 'LLM agents']],
  ])('finds both sides: %s', (text, sides) => {
    expect(detectIntent(text).sides).toEqual(sides);
  });

  it.each([
    ['Summarise this project', ''],
    ['Write a summary of the event log', 'event log'],
    ['Where is startLoop defined?', 'startLoop'],
    ['Locate all usages of DomainError', 'DomainError'],
    ['Find appendEvents', 'appendEvents'],
  ])('names the subject: %s', (text, subject) => {
    expect(detectIntent(text).subject).toBe(subject);
  });

  it('does not run away on 20,000 characters', () => {
    for (const text of [
      'explain how '.repeat(1_700),
      'a'.repeat(20_000),
      'compare a and '.repeat(1_400),
      'what is the difference between '.repeat(600),
    ]) {
      expect(detectIntent(text).recipe).toEqual(expect.any(String));
    }
  });
});

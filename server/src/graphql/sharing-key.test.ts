import { buildSchema, parse } from 'graphql';
import { expect, test } from 'vitest';
import type { Actor } from '../engines/security/actor.ts';
import { sharingKey } from './sharing-key.ts';

const schema = buildSchema(`
  interface Node { id: ID! }
  type Person implements Node { id: ID! email: String }
  type Goal implements Node { id: ID! text: String createdBy: Person }
  union Subject = Goal | Person
  type Query { node: Node }
  type Subscription { node: Node goal: Goal subject: Subject }
`);
const actor = (id: string, more: Partial<Actor> = {}): { actor: Actor } => ({
  actor: { kind: 'USER', id, userId: id, workspaceId: 'w', role: 'VIEWER', projects: 'ALL', at: 1, ...more },
});
const keys = (text: string, ...actors: { actor: Actor }[]) => {
  const document = parse(text);
  return new Set(actors.map((each) => JSON.stringify(sharingKey(each, document, schema)))).size;
};
const goal = 'subscription { goal { id text } }';

test.each([
  ['a field of a person', 'subscription { goal { createdBy { email } } }'],
  ['a person by an inline fragment', 'subscription { node { ... on Person { email } } }'],
  [
    'a person by a fragment',
    'subscription { goal { ...G } } fragment G on Goal { createdBy { ...P } } fragment P on Person { id }',
  ],
  ['a person in a union', 'subscription { subject { ... on Person { email } } }'],
])('%s is for each person alone', (_, text) => {
  expect(keys(text, actor('ada'), actor('bob'))).toBe(2);
  expect(keys(text, actor('ada'), actor('ada'))).toBe(1);
});

test.each([goal, 'subscription { node { id ... on Goal { text } } }'])('%s is shared by equals', (text) => {
  expect(keys(text, actor('ada'), actor('bob'))).toBe(1);
});

test('maps and scopes are compared by what they hold, in any order', () => {
  const projects = (...entries: [string, 'VIEWER'][]) => ({ projects: new Map(entries) });
  expect(
    keys(
      goal,
      actor('ada', projects(['a', 'VIEWER'], ['b', 'VIEWER'])),
      actor('bob', projects(['b', 'VIEWER'], ['a', 'VIEWER'])),
    ),
  ).toBe(1);
  expect(keys(goal, actor('ada', { scopes: ['a', 'b'] }), actor('bob', { scopes: ['b', 'a'] }))).toBe(1);
  expect(keys(goal, actor('ada', projects()), actor('bob'))).toBe(2);
});

test('the moment and the last step-up part nobody', () => {
  expect(keys(goal, actor('ada', { at: 1 }), actor('ada', { at: 2, steppedUpAt: 2 }))).toBe(1);
});

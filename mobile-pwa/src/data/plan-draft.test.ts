import { describe, expect, it } from 'vitest';
import { addNode, findDraftProblem, possibleDependencies, removeNode, type DraftNode } from './plan-draft.ts';

const node = (id: string, ...dependsOn: string[]): DraftNode => ({
  id,
  title: id,
  instruction: id,
  capabilities: ['read'],
  dependsOn,
  risk: 'LOW',
});

describe('plan draft', () => {
  it('keeps the order when a node in the middle is removed', () => {
    const rest = removeNode([node('a'), node('b', 'a'), node('c', 'b', 'a')], 'b');
    expect(rest.map(({ id, dependsOn }) => [id, dependsOn])).toEqual([
      ['a', []],
      ['c', ['a']],
    ]);
  });

  it('adds a node behind the last one under an id that is free', () => {
    const added = addNode([node('step-2')]).at(-1);
    expect(added).toMatchObject({ id: 'step-3', dependsOn: ['step-2'] });
  });

  it('offers no dependency that would close a circle', () => {
    const nodes = [node('a'), node('b', 'a'), node('c', 'b')];
    expect(possibleDependencies(nodes, 'a').map(({ id }) => id)).toEqual([]);
    expect(possibleDependencies(nodes, 'c').map(({ id }) => id)).toEqual(['a', 'b']);
  });

  it('names the step that is not ready to be saved', () => {
    expect(findDraftProblem([])).toContain('at least one');
    expect(findDraftProblem([node('a'), { ...node('b'), title: ' ' }])).toContain('Step 2');
    expect(findDraftProblem([node('a')])).toBeUndefined();
  });
});

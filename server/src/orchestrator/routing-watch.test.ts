import { describe, expect, it } from 'vitest';
import { routingNote } from './routing-watch.ts';

const agent = (name: string, capabilities: string[], status = 'IDLE', crewId: string | null = null) => ({
  ...{ workspaceId: 'w', name, capabilities, status, crewId },
});

describe('why a task is not taken', () => {
  it.each([
    ['|write', [agent('Ann', ['write'])], null],
    ['|', [agent('Ann', [])], null],
    ['|fly,write', [agent('Ann', ['write'])], /No agent can “fly”/],
    [
      '|fly,write',
      [agent('Ann', ['write']), agent('Bob', ['fly'])],
      /No single agent has all of “fly”, “write”/,
    ],
    [
      '|write',
      [agent('Ann', ['write'], 'PAUSED'), agent('Bob', ['write'], 'ERROR')],
      /Ann is paused, Bob is stopped by its circuit breaker/,
    ],
    ['|write', [agent('Ann', ['write'], 'PAUSED'), agent('Bob', ['write'], 'BUSY')], null],
    ['c1|write', [agent('Ann', ['write'])], /No agent of the chosen crew can “write”/],
    ['c1|write', [agent('Ann', ['write'], 'IDLE', 'c1')], null],
    ['|write', [], /No agent can “write”/],
  ])('%s', (key, agents, expected) => {
    const note = routingNote(key, agents);
    if (expected === null) expect(note).toBeNull();
    else expect(note).toMatch(expected);
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AgentCapacity, ReadyQueue } from '../../stores/task-claim.ts';
import { scoreAgent, type AgentProfile } from './agent-score.ts';
import { assignSlots } from './assign-slots.ts';

const agent = (id: string, capabilities: string[], more: Partial<AgentCapacity> = {}): AgentCapacity => ({
  ...{
    id,
    capabilities,
    workspaceId: 'w',
    crewId: null,
    maxConcurrency: 2,
    runningCount: 0,
    breakerState: 'CLOSED',
  },
  ...{ succeededCount: 0, failedCount: 0, averageLatencyMs: null, ...more },
});
const queue = (capabilities: string, readyCount: number, more: Partial<ReadyQueue> = {}): ReadyQueue => ({
  ...{ workspaceId: 'w', queueKey: `|${capabilities}`, readyCount, topPriority: 0, ...more },
});
const agentsOf = (slots: { agentId: string }[]) => slots.map((slot) => slot.agentId);

describe('the score', () => {
  const base: AgentProfile = {
    capabilities: ['a'],
    maxConcurrency: 4,
    runningCount: 0,
    succeededCount: 0,
    failedCount: 0,
    averageLatencyMs: null,
  };
  it('prefers the specialist, the idle, the reliable and the fast', () => {
    const score = (change: Partial<AgentProfile>) => scoreAgent({ ...base, ...change }, ['a'])!;
    expect(score({})).toBeGreaterThan(score({ capabilities: ['a', 'b'] }));
    expect(score({})).toBeGreaterThan(score({ runningCount: 2 }));
    expect(score({ succeededCount: 9, failedCount: 1 })).toBeGreaterThan(
      score({ succeededCount: 1, failedCount: 9 }),
    );
    expect(score({ averageLatencyMs: 100 })).toBeGreaterThan(score({ averageLatencyMs: 60_000 }));
    expect(scoreAgent(base, ['z'])).toBeUndefined();
  });
  it('stays between 0 and 1', () => {
    const count = fc.nat(100_000);
    fc.assert(
      fc.property(
        count,
        count,
        count,
        fc.option(fc.double({ min: 0, max: 1e9, noNaN: true })),
        (running, succeededCount, failedCount, averageLatencyMs) => {
          const score = scoreAgent(
            {
              ...base,
              maxConcurrency: 10,
              runningCount: running,
              succeededCount,
              failedCount,
              averageLatencyMs,
            },
            ['a'],
          )!;
          expect(score).toBeGreaterThanOrEqual(0);
          expect(score).toBeLessThanOrEqual(1);
        },
      ),
    );
  });
});

describe('the assignment', () => {
  it('spreads work over equal agents and stops when they are full', () => {
    const slots = assignSlots([queue('a', 9)], [agent('x', ['a']), agent('y', ['a'])], 50);
    expect(agentsOf(slots)).toEqual(['x', 'y', 'x', 'y']);
  });

  it('lets queues take turns, the one with the higher priority first', () => {
    const slots = assignSlots(
      [queue('a', 100), queue('a,b', 100, { topPriority: 5 })],
      [agent('x', ['a', 'b'], { maxConcurrency: 4 })],
      50,
    );
    expect(slots.map((slot) => slot.queueKey)).toEqual(['|a,b', '|a', '|a,b', '|a']);
  });

  it('keeps to the crew and the workspace of a task', () => {
    const agents = [
      agent('x', ['a'], { crewId: 'c' }),
      agent('y', ['a']),
      agent('z', ['a'], { workspaceId: 'other', crewId: 'c' }),
    ];
    expect(agentsOf(assignSlots([queue('a', 9, { queueKey: 'c|a' })], agents, 50))).toEqual(['x', 'x']);
  });

  it('gives an agent one task while its breaker is being tried', () => {
    expect(assignSlots([queue('a', 9)], [agent('x', ['a'], { breakerState: 'HALF_OPEN' })], 50)).toHaveLength(
      1,
    );
  });

  it('never exceeds a limit, whatever is asked', () => {
    const names = fc.subarray(['a', 'b', 'c']);
    const agents = fc.array(
      fc.record({
        capabilities: names,
        maxConcurrency: fc.integer({ min: 1, max: 5 }),
        runningCount: fc.nat(6),
      }),
      { maxLength: 6 },
    );
    const queues = fc.uniqueArray(
      fc.record({ capabilities: names, readyCount: fc.integer({ min: 1, max: 30 }) }),
      {
        selector: (entry) => entry.capabilities.join(),
        maxLength: 6,
      },
    );
    fc.assert(
      fc.property(agents, queues, fc.nat(40), (given, asked, limit) => {
        const team = given.map((entry, index) => agent(`g${index}`, entry.capabilities, entry));
        const lines = asked.map((entry) => queue(entry.capabilities.join(), entry.readyCount));
        const slots = assignSlots(lines, team, limit);
        expect(slots.length).toBeLessThanOrEqual(limit);
        for (const member of team) {
          const load = member.runningCount + slots.filter((slot) => slot.agentId === member.id).length;
          expect(load).toBeLessThanOrEqual(Math.max(member.maxConcurrency, member.runningCount));
        }
        for (const line of lines) {
          const mine = slots.filter((slot) => slot.queueKey === line.queueKey);
          expect(mine.length).toBeLessThanOrEqual(line.readyCount);
          const needed = line.queueKey.slice(1).split(',').filter(Boolean);
          for (const slot of mine)
            expect(team.find((member) => member.id === slot.agentId)!.capabilities).toEqual(
              expect.arrayContaining(needed),
            );
        }
      }),
    );
  });
});

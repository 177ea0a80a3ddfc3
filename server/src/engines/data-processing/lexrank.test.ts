import { describe, expect, it } from 'vitest';
import { rankSentences, stem } from './lexrank.ts';
import { queryTerms, searchWords } from './search-words.ts';

const sentences = [
  'Events are written to the log in the transaction of the change.',
  'The log of events is read by the pump.',
  'Events are written to the log in the transaction of the change!',
  'Bananas are yellow.',
  'The pump wakes subscribers of the event log.',
];

describe('LexRank', () => {
  it('prefers what the others are about and never picks the same sentence twice', () => {
    const picked = rankSentences(sentences, { limit: 3 }).map(({ index }) => index);
    expect(picked).not.toContain(3);
    expect(picked.includes(0) && picked.includes(2)).toBe(false);
  });
  it('follows the query', () => {
    expect(rankSentences(sentences, { limit: 1, query: 'which colour have bananas' })[0]?.index).toBe(3);
  });
  it('follows prior weights', () => {
    expect(
      rankSentences(['alpha beta gamma', 'delta epsilon zeta'], { limit: 1, weights: [1, 3] })[0]?.index,
    ).toBe(1);
  });
  it('handles nothing, one, and sentences without words', () => {
    expect(rankSentences([], { limit: 3 })).toEqual([]);
    expect(rankSentences(['one thing'], { limit: 3 })).toHaveLength(1);
    expect(rankSentences(['…', '!!!'], { limit: 3 }).length).toBeGreaterThan(0);
  });
  it('meets words in their forms', () => {
    expect(new Set(['event', 'events'].map(stem)).size).toBe(1);
    expect(new Set(['queries', 'query'].map(stem)).size).toBe(1);
    expect(new Set(['index', 'indexing', 'indexed'].map(stem)).size).toBe(1);
  });
});

describe('search words', () => {
  it('keep identifiers whole and in parts', () => {
    expect(searchWords('appendEvents in src/event-store.ts, HTTPServer, snake_case').split(' ')).toEqual([
      'appendEvents',
      'append',
      'Events',
      'in',
      'src',
      'event',
      'store',
      'ts',
      'HTTPServer',
      'HTTP',
      'Server',
      'snake',
      'case',
    ]);
  });
  it('drop what carries no subject', () => {
    expect(
      queryTerms('Explain how this project is laid out and where events come from, with sources'),
    ).toEqual(['events']);
  });
});

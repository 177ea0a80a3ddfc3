import { queryTerms, searchWords } from './search-words.ts';

export interface RankOptions {
  /** What the summary is about; without it sentences are ranked by centrality alone. */
  query?: string;
  /** How many to pick. */
  limit: number;
  /** Prior weight of each sentence, 1 is neutral; for example less for test code. */
  weights?: readonly number[];
}

export interface Ranked {
  index: number;
  /** Stationary probability times the number of sentences: 1 is average. */
  score: number;
}

/** Chance that the walk follows a similarity edge, from LexRank's 0.85. */
const damping = 0.85;
/** Share of relevance when a query biases the walk; Otterbacher et al. found high values best for question answering. */
const queryBias = 0.6;
/** Similarities below are noise (the threshold of Erkan & Radev, section 3). */
const similarityThreshold = 0.1;
/** MMR's lambda: relevance against novelty. */
const relevanceShare = 0.7;
/** More sentences cost quadratic time; callers hand over the best found by search anyway. */
export const maxRankedSentences = 300;

type Vector = Map<string, number>;

/**
 * Picks the sentences that together say most, best first. Centrality by continuous LexRank (Erkan & Radev, "LexRank:
 * Graph-based Lexical Centrality as Salience in Text Summarization", JAIR 22, 2004), biased towards a query as in
 * Otterbacher, Erkan & Radev (HLT/EMNLP 2005); redundancy removed by maximal marginal relevance (Carbonell & Goldstein,
 * SIGIR 1998).
 */
export function rankSentences(sentences: readonly string[], options: RankOptions): Ranked[] {
  const texts = sentences.slice(0, maxRankedSentences);
  if (texts.length === 0) return [];
  const tokens = texts.map(stems);
  const vectors = tfIdf(tokens);
  const similarity = similarities(vectors);
  const prior = priors(tokens, options);
  const jump = options.query === undefined ? 1 - damping : 1 - damping + damping * queryBias;
  const scores = walk(similarity, prior, jump);
  return diversify(scores, similarity, options.limit).map((index) => ({
    index,
    score: scores[index]! * texts.length,
  }));
}

/** Words of a sentence, roughly stemmed so that "event" and "events" meet. */
export function stems(text: string): string[] {
  return queryTerms(searchWords(text)).map(stem);
}

export function stem(word: string): string {
  if (word.length > 4 && word.endsWith('ies')) return `${word.slice(0, -3)}y`;
  for (const ending of ['ations', 'ation', 'ings', 'ing', 'ers', 'ed', 'es', 's']) {
    if (word.length - ending.length >= 3 && word.endsWith(ending) && !word.endsWith('ss')) {
      const base = word.slice(0, -ending.length);
      return base.endsWith('e') ? base.slice(0, -1) : base;
    }
  }
  return word.endsWith('e') && word.length > 3 ? word.slice(0, -1) : word;
}

function tfIdf(tokens: readonly string[][]): Vector[] {
  const documents = new Map<string, number>();
  for (const words of tokens) for (const word of words) documents.set(word, (documents.get(word) ?? 0) + 1);
  return tokens.map((words) => {
    const vector: Vector = new Map();
    for (const word of words) {
      const idf = Math.log(1 + tokens.length / documents.get(word)!);
      vector.set(word, (vector.get(word) ?? 0) + idf);
    }
    const norm = Math.hypot(...vector.values()) || 1;
    for (const [word, weight] of vector) vector.set(word, weight / norm);
    return vector;
  });
}

function similarities(vectors: readonly Vector[]): number[][] {
  return vectors.map((left) =>
    vectors.map((right) => {
      const [small, large] = left.size < right.size ? [left, right] : [right, left];
      let dot = 0;
      for (const [word, weight] of small) dot += weight * (large.get(word) ?? 0);
      return dot >= similarityThreshold ? dot : 0;
    }),
  );
}

/** Where the walk starts and jumps to: evenly, or by the share of the query's words that a sentence holds. */
function priors(tokens: readonly string[][], options: RankOptions): number[] {
  const wanted = new Set(options.query === undefined ? [] : stems(options.query));
  const raw = tokens.map((words, index) => {
    const own = new Set(words);
    const matched = [...wanted].filter((word) => own.has(word)).length;
    const relevance = wanted.size === 0 ? 1 : 0.05 + matched / wanted.size;
    return relevance * (options.weights?.[index] ?? 1);
  });
  const sum = raw.reduce((total, value) => total + value, 0) || 1;
  return raw.map((value) => value / sum);
}

/** A sentence lends its weight to those like it, not to itself: alone, it keeps only what the jump gives it. */
function walk(similarity: readonly number[][], prior: readonly number[], jump: number): number[] {
  const sums = similarity.map(
    (row, own) => row.reduce((total, value, index) => total + (index === own ? 0 : value), 0) || 1,
  );
  let scores = [...prior];
  for (let round = 0; round < 50; round += 1) {
    const next = prior.map((value) => jump * value);
    similarity.forEach((row, from) => {
      const share = ((1 - jump) * scores[from]!) / sums[from]!;
      row.forEach((value, to) => {
        if (value > 0 && to !== from) next[to]! += share * value;
      });
    });
    const change = next.reduce((total, value, index) => total + Math.abs(value - scores[index]!), 0);
    scores = next;
    if (change < 1e-6) break;
  }
  return scores;
}

function diversify(scores: readonly number[], similarity: readonly number[][], limit: number): number[] {
  const best = Math.max(...scores) || 1;
  const open = new Set(scores.keys());
  const picked: number[] = [];
  while (picked.length < limit && open.size > 0) {
    let choice = -1;
    let value = -Infinity;
    for (const index of open) {
      const repeat = picked.reduce((most, other) => Math.max(most, similarity[index]![other]!), 0);
      // Said already, nearly word for word.
      if (repeat > 0.9) continue;
      const worth = (relevanceShare * scores[index]!) / best - (1 - relevanceShare) * repeat;
      if (worth > value) [choice, value] = [index, worth];
    }
    if (choice < 0) break;
    picked.push(choice);
    open.delete(choice);
  }
  return picked;
}

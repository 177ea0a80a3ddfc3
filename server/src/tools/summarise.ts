import { z } from 'zod';
import { maxRankedSentences, rankSentences } from '../engines/data-processing/lexrank.ts';
import { defineTool } from './tool.ts';

const input = z.object({
  sentences: z.array(z.string().min(1).max(2_000)).min(1).max(maxRankedSentences),
  query: z.string().max(20_000).optional().describe('what the summary is about'),
  limit: z.int().min(1).max(40).default(8),
  weights: z.array(z.number().min(0).max(10)).optional(),
});

export const summariseOutput = z.object({
  algorithm: z.string(),
  /** Indexes into the sentences, best first. */
  picked: z.array(z.object({ index: z.int(), score: z.number() })),
});
type Summary = z.infer<typeof summariseOutput>;

const summariseAlgorithm =
  'LexRank (Erkan & Radev 2004), query-biased, with MMR (Carbonell & Goldstein 1998)';

export const summarise = defineTool<z.infer<typeof input>, Summary>({
  name: 'summarise',
  description:
    'Picks the sentences that together say most, optionally about a query. Extractive: nothing is rewritten.',
  input,
  output: summariseOutput,
  idempotent: true,
  risk: 'LOW',
  maxOutputChars: 10_000,
  run({ sentences, query, limit, weights }) {
    const options = { limit, ...(query === undefined ? {} : { query }), ...(weights ? { weights } : {}) };
    const picked = rankSentences(sentences, options).map(({ index, score }) => ({
      index,
      score: Math.round(score * 1_000) / 1_000,
    }));
    return Promise.resolve({ algorithm: summariseAlgorithm, picked });
  },
});

import { createCitedText, quoteText, type CitedText, type CitedTextBuilder } from './cited-text.ts';
import { materialOf, pick, rangesOf, read, search, type Material } from './extractive-material.ts';
import type { AgentRun } from './agent-run.ts';

export interface ExplainInput {
  /** What to look for, in the goal's words. */
  query: string;
  kinds?: ('CODE' | 'PROSE' | 'CONFIG')[];
  folder?: string;
}

const passagesWanted = 14;
const filesRead = 7;
const sentencesWanted = 12;

/** A question for the place where something is made, not where it is used. */
const originQuestion =
  /\bcom(?:e|es|ing) from\b|\borigin|\bwhere\b.*\b(?:created|emitted|produced|raised|published|written|generated|made|start)/i;
const originWords =
  /append|emit|publish|insert|writ|creat|produc|rais|record|generat|dispatch|enqueue|send|notif|trigger/i;

/** Answers a question from the project: search, read again, pick sentences, cite each. */
export async function explain(run: AgentRun, input: ExplainInput): Promise<CitedText> {
  const { query, kinds, folder } = input;
  const passages = await search(run, {
    query,
    limit: passagesWanted,
    ...(kinds ? { kinds } : {}),
    ...(folder ? { folder } : {}),
  });
  const documents = await read(run, rangesOf(passages, filesRead));
  const asksOrigin = originQuestion.test(query);
  const picked = await pick(run, materialOf(documents), {
    query,
    limit: sentencesWanted,
    weight: (unit) => (asksOrigin && originWords.test(`${unit.signature ?? ''} ${unit.text}`) ? 1.6 : 1),
  });
  const telling = picked.filter((unit) => unit.text !== '' || unit.exported);
  return picked.length === 0 ? nothingFound(input) : render(telling.length >= 3 ? telling : picked);
}

function nothingFound({ query, kinds }: ExplainInput): CitedText {
  const where =
    kinds?.length === 1 && kinds[0] === 'PROSE'
      ? 'No document of the project'
      : 'Nothing in the indexed project';
  return { text: `${where} says anything about “${query.slice(0, 200)}”.`, citations: [] };
}

/** The sentences that answer best first, then the rest by file, most telling file first. */
export function render(picked: readonly Material[]): CitedText {
  const cited = createCitedText();
  const lead = picked.filter((unit) => unit.text.length >= 30 && isPlain(unit)).slice(0, 2);
  if (lead.length > 0) {
    cited.line(lead.map((unit) => leadSentence(unit, cited)).join(' '));
    cited.line();
  }
  const files = new Map<string, Material[]>();
  for (const unit of picked) {
    if (lead.includes(unit)) continue;
    const units = files.get(unit.path);
    if (units) units.push(unit);
    else files.set(unit.path, [unit]);
  }
  for (const [path, units] of files) {
    cited.line(`**\`${path}\`**`);
    cited.line();
    for (const unit of units.toSorted((left, right) => left.startLine - right.startLine)) {
      cited.line(`- ${renderUnit(unit)} ${cite(unit, cited)}`);
    }
    cited.line();
  }
  return cited.build();
}

/** A whole sentence: begins like one and ends like one. */
function isPlain(unit: Material): boolean {
  return /^[\p{Lu}\d`"“(]/u.test(unit.text) && /[.!?)`”"]$/.test(unit.text);
}

function leadSentence(unit: Material, cited: CitedTextBuilder): string {
  const text = quoteText(unit.text);
  if (unit.kind === 'DECLARATION')
    return `\`${unit.symbol!}\` in \`${unit.path}\`: ${closed(text)} ${cite(unit, cited)}`;
  return `${closed(text)} ${cite(unit, cited)}`;
}

function renderUnit(unit: Material): string {
  const text = quoteText(unit.text);
  if (unit.kind !== 'DECLARATION') return unit.symbol ? `(\`${unit.symbol}\`) ${closed(text)}` : closed(text);
  const declared = `\`${quoteText(unit.signature ?? unit.symbol!)}\``;
  return text === '' ? `declares ${declared}` : `${declared}: ${closed(text)}`;
}

export function cite({ path, startLine, endLine, quote }: Material, cited: CitedTextBuilder): string {
  return cited.cite({ path, startLine, endLine, quote });
}

function closed(text: string): string {
  return /[.!?:;…)"”`]$/.test(text) ? text : `${text}.`;
}

import { projectOutlineOutput } from '../tools/project-outline.ts';
import { projectMarksOutput } from '../tools/project-marks.ts';
import { needTool, type AgentRun } from './agent-run.ts';
import { createCitedText, quoteText, type CitedText } from './cited-text.ts';
import { materialOf, pick, rangesOf, read, search } from './extractive-material.ts';
import { render } from './extractive-explain.ts';

export interface DigestInput {
  /** What the summary is about; empty for the whole project. */
  query: string;
  kinds: ('CODE' | 'PROSE' | 'CONFIG')[];
}

const filesRead = 8;
const sentencesWanted = 12;

/** The most central sentences: of what a search finds, or of the files that speak for the project and its folders. */
export async function digest(run: AgentRun, input: DigestInput): Promise<CitedText> {
  const ranges = input.query === '' ? await centralFiles(run, input.kinds) : await foundFiles(run, input);
  const material = materialOf(await read(run, ranges));
  const about = input.query === '' ? {} : { query: input.query };
  const picked = await pick(run, material, { limit: sentencesWanted, ...about });
  if (picked.length > 0) return render(picked);
  const what = input.kinds.includes('PROSE') ? 'documents' : 'documented code';
  return {
    text: `The project has no ${what}${input.query === '' ? '' : ` about “${input.query.slice(0, 200)}”`} to summarise.`,
    citations: [],
  };
}

async function foundFiles(run: AgentRun, { query, kinds }: DigestInput) {
  return rangesOf(await search(run, { query, kinds, limit: 20 }), filesRead);
}

async function centralFiles(run: AgentRun, kinds: DigestInput['kinds']) {
  const outline = await needTool(run, 'project.outline', {}, projectOutlineOutput);
  const sources = [...outline.sources, ...outline.folders.flatMap((folder) => folder.sources)];
  const prose = /\.(md|mdx|rst|adoc|txt)$/i;
  const config = /\.(json|ya?ml|toml)$/i;
  const paths = [...new Set(sources.map(({ path }) => path))].filter((path) =>
    kinds.includes('PROSE') ? prose.test(path) : !prose.test(path) && !config.test(path),
  );
  return paths.slice(0, filesRead).map((path) => ({ path, startLine: 1, endLine: 400 }));
}

const questionEnd = /^(?:[^\p{L}]*)((?:\p{L}|\d|[`"'(]).*?\?)(?:\s|[)*"'`]|$)/u;

/** Open ends that people left in the project: TODO marks or questions, by file. */
export async function openEnds(run: AgentRun, mark: 'TODO' | 'QUESTION'): Promise<CitedText> {
  const { lines } = await needTool(run, 'project.marks', { mark, limit: 80 }, projectMarksOutput);
  const kept = lines
    .filter(({ text, kind }) => (mark === 'TODO' ? isRealMark(text) : isRealQuestion(text, kind)))
    .slice(0, 40);
  if (kept.length === 0) {
    const what = mark === 'TODO' ? 'No TODO, FIXME, XXX or HACK' : 'No written-out question';
    return { text: `${what} stands in the indexed files.`, citations: [] };
  }
  const cited = createCitedText();
  let file = '';
  for (const { path, line, text } of kept) {
    if (path !== file) {
      if (file !== '') cited.line();
      cited.line(`**\`${path}\`**`);
      cited.line();
      file = path;
    }
    const quote = text.trim().slice(0, 400);
    const plain =
      mark === 'QUESTION'
        ? (questionEnd.exec(quote)?.[1] ?? quote)
        : quote.replace(/^[\s/*#;<!-]+|[\s*/>-]+$/g, '');
    cited.line(
      `- Line ${line}: ${quoteText(plain)} ${cited.cite({ path, startLine: line, endLine: line, quote })}`,
    );
  }
  return cited.build();
}

/** A mark that opens a remark; not a word in a list of marks, a pattern or a sentence about marks. */
function isRealMark(text: string): boolean {
  return (
    /(?:^|\/\/|\/?\*+|#|--|;|<!--|[-*+])\s*(?:TODO|FIXME|XXX|HACK)\b(?:\([^)]*\))?(?::|\s)/.test(text) &&
    (text.match(/\b(TODO|FIXME|XXX|HACK)\b/g) ?? []).length === 1
  );
}

/** A sentence with a question mark: prose, or a comment; not a type, a ternary or a regular expression. */
function isRealQuestion(text: string, kind: string): boolean {
  const line = text.trim();
  if (kind === 'CONFIG' || (kind === 'CODE' && !/^(\/\/|\/?\*|#|--|;)/.test(line))) return false;
  const question = questionEnd.exec(line)?.[1];
  return (
    question !== undefined &&
    (question.match(/\p{L}{2,}/gu)?.length ?? 0) >= 3 &&
    !/[=<>{}|\\]|\?[.:?]/.test(question)
  );
}

import type { Citation } from '../../engines/task-execution/task-context.ts';
import type { Output } from '../../entities/output.ts';
import type { PartialText } from '../../stores/task-reads.ts';
import { builder } from '../builder.ts';
import type { OutputDelta } from '../context.ts';
import { encodeId } from '../ids.ts';

const CitationType = builder.objectRef<Citation>('Citation').implement({
  description: 'Where a sentence of an output comes from.',
  fields: (t) => ({
    marker: t.exposeInt('marker', { description: 'The number n of [n] in the text.' }),
    path: t.string({
      nullable: true,
      description: 'File in the project, relative to its folder; null for a web page.',
      resolve: (citation) => citation.path ?? null,
    }),
    url: t.string({
      nullable: true,
      description: 'Web page the quote is from; null for a file.',
      resolve: (citation) => citation.url ?? null,
    }),
    startLine: t.int({
      nullable: true,
      description:
        'First line of the quote in the file, from 1; null when it is not known, as for a web page.',
      resolve: (citation) => citation.startLine ?? null,
    }),
    endLine: t.int({
      nullable: true,
      description: 'Last line of the quote, inclusive; null when it is not known, as for a web page.',
      resolve: (citation) => citation.endLine ?? null,
    }),
    quote: t.exposeString('quote', { description: 'The words of the source that the sentence rests on.' }),
  }),
});

export const OutputType = builder.objectRef<Output>('Output').implement({
  description: 'What a task gave.',
  fields: (t) => ({
    id: t.id({
      description: 'Global id; `node` does not load it.',
      resolve: (output) => encodeId('Output', output.id),
    }),
    text: t.exposeString('text', {
      description: 'The answer, in Markdown; [n] refers to the citation with that marker.',
    }),
    citations: t.field({
      type: [CitationType],
      description: 'Sources of what the text says, as it numbers them.',
      resolve: (output) => output.citations as unknown as Citation[],
    }),
    extractive: t.exposeBoolean('extractive', {
      description: 'True when no language model took part: the text is sentences taken from the sources.',
    }),
    notice: t.string({
      nullable: true,
      description: 'What a reader must know about the text, to be shown with it; null for nothing.',
      resolve: (output) => output.notice ?? null,
    }),
    provider: t.exposeString('provider', {
      description: 'Who wrote it, for example `ollama` or `extractive`; empty for a planning task.',
    }),
    model: t.string({
      nullable: true,
      description: 'Model that wrote it, `lexrank` for extractive text; null for a planning task.',
      resolve: (output) => output.model ?? null,
    }),
    createdAt: t.expose('createdAt', { description: 'When the task gave it.', type: 'DateTime' }),
  }),
});

export const PartialOutputType = builder.objectRef<PartialText>('PartialOutput').implement({
  description: 'Text streamed so far by an attempt.',
  fields: (t) => ({
    attempt: t.exposeInt('attempt', { description: 'Number of the attempt, from 1.' }),
    text: t.exposeString('text', {
      description: 'As far as it was saved, which is every 250 ms; plain text or Markdown.',
    }),
    offset: t.exposeInt('offset', {
      description: 'Where `text` starts in the attempt’s text, in UTF-16 units.',
    }),
  }),
});

export const OutputDeltaType = builder.objectRef<OutputDelta>('OutputDelta').implement({
  description: 'A piece of the text that an attempt streams.',
  fields: (t) => ({
    taskId: t.id({
      description: 'Global id of the task.',
      resolve: (delta) => encodeId('Task', delta.taskId),
    }),
    attempt: t.exposeInt('attempt', {
      description:
        'Number of the attempt, from 1; a higher one than before starts a text of its own. 0 when the task ended without any.',
    }),
    offset: t.exposeInt('offset', {
      description: 'Where `text` starts in the attempt’s text, in UTF-16 units from 0.',
    }),
    text: t.exposeString('text', { description: 'What follows at `offset`; empty on the last piece.' }),
    done: t.exposeBoolean('done', {
      description: 'True on the last piece: the attempt has ended, whatever its outcome.',
    }),
    cursor: t.exposeString('cursor', { description: 'Pass as `after` to go on behind this piece.' }),
  }),
});

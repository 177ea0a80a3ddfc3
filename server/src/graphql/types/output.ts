import type { Citation } from '../../engines/task-execution/task-context.ts';
import type { Output } from '../../entities/output.ts';
import type { PartialText } from '../../stores/task-reads.ts';
import { builder } from '../builder.ts';
import type { OutputDelta } from '../context.ts';
import { encodeId } from '../ids.ts';

const CitationType = builder.objectRef<Citation>('Citation').implement({
  description: 'Where a sentence of an output comes from; `marker` is the number n of [n] in the text.',
  fields: (t) => ({
    marker: t.exposeInt('marker'),
    path: t.string({
      nullable: true,
      description: 'Of a file in the project.',
      resolve: (citation) => citation.path ?? null,
    }),
    url: t.string({ nullable: true, resolve: (citation) => citation.url ?? null }),
    startLine: t.int({
      nullable: true,
      description: 'From 1.',
      resolve: (citation) => citation.startLine ?? null,
    }),
    endLine: t.int({
      nullable: true,
      description: 'Inclusive.',
      resolve: (citation) => citation.endLine ?? null,
    }),
    quote: t.exposeString('quote'),
  }),
});

export const OutputType = builder.objectRef<Output>('Output').implement({
  description: 'What a task gave.',
  fields: (t) => ({
    id: t.id({ resolve: (output) => encodeId('Output', output.id) }),
    text: t.exposeString('text', { description: 'Markdown.' }),
    citations: t.field({
      type: [CitationType],
      resolve: (output) => output.citations as unknown as Citation[],
    }),
    extractive: t.exposeBoolean('extractive', {
      description: 'True when no language model took part: the text is sentences taken from the sources.',
    }),
    notice: t.string({
      nullable: true,
      description: 'To be shown with the text.',
      resolve: (output) => output.notice ?? null,
    }),
    provider: t.exposeString('provider'),
    model: t.string({ nullable: true, resolve: (output) => output.model ?? null }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
  }),
});

export const PartialOutputType = builder.objectRef<PartialText>('PartialOutput').implement({
  description: 'Text streamed so far by an attempt.',
  fields: (t) => ({
    attempt: t.exposeInt('attempt'),
    text: t.exposeString('text'),
    offset: t.exposeInt('offset', {
      description: 'Where `text` starts in the attempt’s text, in UTF-16 units.',
    }),
  }),
});

export const OutputDeltaType = builder.objectRef<OutputDelta>('OutputDelta').implement({
  description:
    'A piece of streamed output. `offset` is where `text` starts, in UTF-16 units, inside this attempt’s text.',
  fields: (t) => ({
    taskId: t.id({ resolve: (delta) => encodeId('Task', delta.taskId) }),
    attempt: t.exposeInt('attempt'),
    offset: t.exposeInt('offset'),
    text: t.exposeString('text'),
    done: t.exposeBoolean('done', {
      description: 'True on the last piece: the attempt has ended, whatever its outcome.',
    }),
    cursor: t.exposeString('cursor', { description: 'Pass as `after` to go on behind this piece.' }),
  }),
});

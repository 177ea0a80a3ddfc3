import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

const model = 'paced-model';
const pieceMs = 5;

/** An agent that may call tools shows its first 400 characters late: they are usually no answer yet. */
export const longSentence = `Events come from the sensor loop, ${'which asks one sensor after the other and never waits for any of them, '.repeat(8)}once a second.`;

const plan = {
  summary: 'Look where events come from, then write it down.',
  nodes: [
    {
      id: 'look',
      title: 'Look where events come from',
      instruction: 'Find where events come from.',
      capability: 'research',
      dependsOn: [],
      risk: 'LOW',
    },
    {
      id: 'write',
      title: 'Write the answer',
      instruction: 'Write one answer.',
      capability: 'write',
      dependsOn: ['look'],
      risk: 'LOW',
    },
  ],
};

export interface PacedModel {
  url: string;
  /** What it answers to everything that is no request for a plan. */
  text: string;
  /** How many requests of each kind have come in. */
  requests: { plan: number; answer: number };
  /** From now on an answer stops before its end, until `release`. */
  hold(): void;
  release(): void;
  close(): Promise<void>;
}

/** A language model over a real socket (Ollama's list of models, OpenAI's chat protocol) that writes at the speed of a test. */
export async function startPacedModel(): Promise<PacedModel> {
  let held = false;
  let waiting: (() => void)[] = [];
  const state = {
    text: `${longSentence} It appends each of them to the log.`,
    requests: { plan: 0, answer: 0 },
  };
  const untilReleased = () =>
    held ? new Promise<void>((resolve) => waiting.push(resolve)) : Promise.resolve();
  const server = createServer((request, response) => void answer(request, response, state, untilReleased));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get text() {
      return state.text;
    },
    set text(text) {
      state.text = text;
    },
    requests: state.requests,
    hold() {
      held = true;
    },
    release() {
      held = false;
      for (const go of waiting) go();
      waiting = [];
    },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  state: { text: string; requests: PacedModel['requests'] },
  untilReleased: () => Promise<void>,
): Promise<void> {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify(request.url === '/api/tags' ? { models: [{ name: model }] } : { data: [{ id: model }] }),
    );
    return;
  }
  let body = '';
  for await (const part of request) body += String(part);
  const isPlan = body.includes('You plan work for a team of agents');
  state.requests[isPlan ? 'plan' : 'answer'] += 1;
  const text = isPlan ? JSON.stringify(plan) : state.text;
  const { stream } = JSON.parse(body) as { stream?: boolean };
  const usage = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };
  if (!stream) {
    const message = { role: 'assistant', content: text };
    response.setHeader('content-type', 'application/json');
    response.end(
      JSON.stringify({
        id: 'c1',
        object: 'chat.completion',
        created: 1,
        model,
        choices: [{ index: 0, message, finish_reason: 'stop' }],
        usage,
      }),
    );
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (delta: unknown, finish: string | null = null) =>
    response.write(
      `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model, choices: [{ index: 0, delta, finish_reason: finish }], ...(finish ? { usage } : {}) })}\n\n`,
    );
  const pieces = isPlan ? [text] : (text.match(/[\s\S]{1,6}/g) ?? []);
  for (const [index, piece] of pieces.entries()) {
    if (!isPlan && index === Math.floor(pieces.length * 0.8)) await untilReleased();
    if (response.destroyed) return;
    send({ content: piece });
    if (!isPlan) await new Promise((resolve) => setTimeout(resolve, pieceMs));
  }
  send({}, 'stop');
  response.end('data: [DONE]\n\n');
}

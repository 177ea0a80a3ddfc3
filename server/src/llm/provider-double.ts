import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the double does with the next request for an answer. */
export type Behaviour =
  | { do: 'text'; text: string }
  | { do: 'tool'; name: string; input: unknown }
  | { do: 'status'; status: number; headers?: Record<string, string> }
  /** Accepts the request and says nothing. */
  | { do: 'hang' }
  /** Streams the text and then cuts the connection, in the middle of a JSON document. */
  | { do: 'truncate'; text: string };

export interface ProviderDouble {
  url: string;
  /** Behaviours still to come; the last one stays. */
  script: Behaviour[];
  /** Bodies of the requests for an answer, oldest first. */
  requests: {
    model: string;
    stream: boolean;
    messages: unknown[];
    tools?: unknown[];
    response_format?: unknown;
  }[];
  close(): Promise<void>;
}

/** For tests: a server that speaks OpenAI's chat protocol and Ollama's list of models over a real socket. */
export async function startProviderDouble(
  script: Behaviour[],
  models: string[] = ['test-model'],
): Promise<ProviderDouble> {
  const requests: ProviderDouble['requests'] = [];
  const double = { script, requests };
  const server = createServer((request, response) => {
    void answer(request, response, double, models);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    get script() {
      return double.script;
    },
    set script(next) {
      double.script = next;
    },
    requests,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
}

type State = Pick<ProviderDouble, 'script' | 'requests'>;

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  state: State,
  models: string[],
): Promise<void> {
  if (request.method === 'GET') {
    response.setHeader('content-type', 'application/json');
    const list =
      request.url === '/api/tags'
        ? { models: models.map((name) => ({ name })) }
        : { data: models.map((id) => ({ id })) };
    response.end(JSON.stringify(list));
    return;
  }
  let body = '';
  for await (const part of request) body += String(part);
  state.requests.push(JSON.parse(body) as State['requests'][number]);
  const next = state.script.length > 1 ? state.script.shift()! : state.script[0]!;
  if (next.do === 'hang') return;
  if (next.do === 'status') {
    response.writeHead(next.status, { 'content-type': 'application/json', ...next.headers });
    response.end(JSON.stringify({ error: { message: `double says ${next.status}`, type: 'error' } }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  const send = (delta: unknown, finish: string | null = null, usage?: unknown) =>
    response.write(
      `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: 'test-model', choices: [{ index: 0, delta, finish_reason: finish }], usage })}\n\n`,
    );
  if (next.do === 'tool') {
    const call = {
      index: 0,
      id: `call_${state.requests.length}`,
      type: 'function',
      function: { name: next.name, arguments: JSON.stringify(next.input) },
    };
    send({ role: 'assistant', tool_calls: [call] });
    send({}, 'tool_calls', { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15 });
  } else {
    for (const piece of next.text.match(/[\s\S]{1,7}/g) ?? []) send({ content: piece });
    if (next.do === 'truncate') {
      response.write('data: {"id":"c1","choices":[{"delta":{"con');
      setImmediate(() => response.destroy());
      return;
    }
    send({}, 'stop', { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 });
  }
  response.end('data: [DONE]\n\n');
}

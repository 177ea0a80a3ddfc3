import { gzip } from 'node:zlib';
import { promisify } from 'node:util';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { send } from './respond.ts';

const starter = `# Agent Hive: try it. Ctrl-Enter runs the operation under the cursor.
query Hive {
  health { status languageModelConnected checks { name status detail } }
  goals(first: 5) { edges { node { id text status progress { total succeeded } } } }
}

mutation Dispatch {
  dispatchGoal(input: { text: "Explain how this project is laid out, with sources" }) {
    __typename
    ... on Goal { id status }
    ... on Error { code message }
  }
}

subscription Log {
  events { type at subjectId }
}
`;

let page: Promise<Buffer> | undefined;

/** 9 MB of editor, all of it in the page: nothing comes from a CDN. Built when the first person asks for it. */
async function buildPage(): Promise<Buffer> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'Agent Hive API',
    endpoint: '/graphql',
    subscriptionsProtocol: 'WS',
    defaultQuery: starter,
  } as never);
  return promisify(gzip)(html);
}

export function wantsGraphiQL(request: IncomingMessage): boolean {
  return (
    request.method === 'GET' &&
    (request.headers.accept ?? '').includes('text/html') &&
    !(request.url ?? '').includes('query=')
  );
}

export async function sendGraphiQL(request: IncomingMessage, response: ServerResponse): Promise<void> {
  page ??= buildPage();
  page.catch(() => (page = undefined));
  // The editor's code is inline, and it makes its workers from blobs; it may talk to this server only.
  const policy = [
    "default-src 'none'",
    "script-src 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src 'unsafe-inline'",
    "img-src data: 'self'",
    'font-src data:',
    'worker-src blob:',
    `connect-src 'self' ws://${request.headers.host ?? ''}`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  send(response, 200, 'text/html; charset=utf-8', await page, {
    'content-encoding': 'gzip',
    'content-security-policy': policy,
  });
}

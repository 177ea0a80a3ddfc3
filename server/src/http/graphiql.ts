import { createHash } from 'node:crypto';
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

interface Page {
  body: Buffer;
  /** Sources of the page's inline scripts, by their hash. */
  scripts: string;
}

let page: Promise<Page> | undefined;

/** 9 MB of editor, all of it in the page: nothing comes from a CDN. Built when the first person asks for it. */
async function buildPage(): Promise<Page> {
  const { renderGraphiQL } = await import('@graphql-yoga/render-graphiql');
  const html = renderGraphiQL({
    title: 'Agent Hive API',
    endpoint: '/graphql',
    subscriptionsProtocol: 'WS',
    defaultQuery: starter,
  } as never);
  return { body: await promisify(gzip)(html), scripts: inlineScriptHashes(html).join(' ') };
}

/**
 * The page has one inline script, which ends at the last end tag: the text of the library holds begin tags, but as the
 * browser reads it, no end tag.
 */
function inlineScriptHashes(html: string): string[] {
  return [...html.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(
    ([, text = '']) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`,
  );
}

export function wantsGraphiQL(request: IncomingMessage): boolean {
  return (
    request.method === 'GET' &&
    (request.headers.accept ?? '').includes('text/html') &&
    !/[?&](query|documentId|extensions)=/.test(request.url ?? '')
  );
}

export async function sendGraphiQL(response: ServerResponse, host: string): Promise<void> {
  page ??= buildPage();
  page.catch(() => (page = undefined));
  const { body, scripts } = await page;
  const policy = [
    "default-src 'none'",
    // The editor is one inline script, allowed by its hash: the page is the same for everybody, so a nonce would say no
    // more and cost compressing 9 MB for each. What that script loads is allowed with it. No Trusted Types: the editor
    // (Monaco and React) sets markup in dozens of places without a policy.
    `script-src ${scripts} 'strict-dynamic'`,
    // The editor writes its themes and the place of each line into style elements and attributes.
    "style-src 'unsafe-inline'",
    "img-src data: 'self'",
    'font-src data:',
    'worker-src blob:',
    `connect-src 'self' ws://${host} wss://${host}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
  send(response, 200, 'text/html; charset=utf-8', body, {
    'content-encoding': 'gzip',
    'content-security-policy': policy,
  });
}

/** The playground for whoever may not have it: a page for people, since a browser asks. */
export function sendPlaygroundRefusal(response: ServerResponse, status: number, reason: string): void {
  const text = `<!doctype html><meta charset="utf-8"><title>Agent Hive API</title><p>${escapeText(reason)}</p><p><a href="/">Open the app</a></p>`;
  send(response, status, 'text/html; charset=utf-8', text, {
    'content-security-policy':
      "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  });
}

function escapeText(text: string): string {
  return text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`);
}

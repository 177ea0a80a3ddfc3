import type { IncomingMessage, ServerResponse } from 'node:http';
import { maxBodyBytes } from '../identity/entry-guard.ts';
import type { Identity } from '../identity/identity.ts';
import type { RequestFacts } from '../identity/identity-options.ts';
import { commonHeaders, readBody } from './respond.ts';

/** Answers `/api/auth/*`: the one place where Node's requests become the ones of the web. */
export async function answerAuth(
  identity: Pick<Identity, 'handle'>,
  request: IncomingMessage,
  response: ServerResponse,
  facts: RequestFacts,
): Promise<void> {
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD';
  const body = hasBody ? await readBody(request, maxBodyBytes) : undefined;
  if (hasBody && body === undefined) {
    const refusal = { code: 'TOO_LARGE', message: `The body is larger than ${maxBodyBytes} bytes.` };
    await respond(response, Response.json(refusal, { status: 413 }), true);
    return;
  }
  const answer = await identity.handle(
    // Below our own origin, even when the path looks like another host.
    new Request(new URL(`${facts.baseUrl}${request.url ?? '/'}`), {
      method: request.method ?? 'GET',
      headers: headersOf(request),
      ...(body && body.length > 0 ? { body: new Uint8Array(body) } : {}),
    }),
    facts,
  );
  await respond(response, answer, !request.complete);
}

function headersOf(request: IncomingMessage): Headers {
  const headers = new Headers();
  for (const [name, values] of Object.entries(request.headersDistinct))
    for (const value of values ?? []) headers.append(name, value);
  return headers;
}

async function respond(response: ServerResponse, answer: Response, closes: boolean): Promise<void> {
  const body = Buffer.from(await answer.arrayBuffer());
  for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value);
  answer.headers.forEach((value, name) => {
    if (name !== 'set-cookie') response.setHeader(name, value);
  });
  // Each cookie is a header of its own: joined by commas they could not be told apart.
  const cookies = answer.headers.getSetCookie();
  if (cookies.length > 0) response.setHeader('set-cookie', cookies);
  // The rest of a refused body is not read, so the connection cannot be used again.
  if (closes) response.setHeader('connection', 'close');
  response.setHeader('content-length', body.length);
  response.writeHead(answer.status);
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

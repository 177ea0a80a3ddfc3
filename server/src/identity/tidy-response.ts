const problems: Record<string, string> = {
  signup_disabled: 'not-a-member',
  account_not_linked: 'not-a-member',
  not_a_member: 'not-a-member',
  unable_to_create_user: 'not-a-member',
  access_denied: 'cancelled',
};

/**
 * Every answer in one shape: an error has `{code, message}`, nothing is kept by caches, a failed sign-in at a provider
 * comes back to a page that says what the matter is.
 * @param renewedCookie set unless the answer sets that cookie itself
 */
export async function tidyResponse(
  response: Response,
  path: string,
  renewedCookie: string | undefined,
): Promise<Response> {
  const headers = new Headers(response.headers);
  headers.set('cache-control', path === '/jwks' ? 'public, max-age=300' : 'no-store');
  if (renewedCookie && !setsCookie(headers, renewedCookie.slice(0, renewedCookie.indexOf('='))))
    headers.append('set-cookie', renewedCookie);
  const location = headers.get('location');
  if (location && path.startsWith('/callback/')) headers.set('location', withProblem(location));
  if (response.status < 400) {
    const body = path.startsWith('/hive/') ? response.body : await withoutToken(response, headers);
    return new Response(body, { status: response.status, headers });
  }
  return new Response(await errorBody(response), {
    status: response.status,
    headers: withType(headers),
  });
}

/** better-auth repeats the session's token in its answers, where scripts can read it: it belongs into the cookie only. */
async function withoutToken(response: Response, headers: Headers): Promise<string | null> {
  const text = await response.text();
  if (!headers.get('content-type')?.startsWith('application/json')) return text === '' ? null : text;
  headers.delete('content-length');
  const value: unknown = parseJson(text);
  // Nobody is signed in: what better-auth makes of it tells of its inside.
  if (isRecord(value) && 'body' in value && 'status' in value && 'headers' in value) return 'null';
  if (!isRecord(value)) return text;
  const { token: _token, ...rest } = value;
  if (!isRecord(rest['session'])) return JSON.stringify(rest);
  const { token: _sessionToken, ...session } = rest['session'];
  return JSON.stringify({ ...rest, session });
}

/** better-auth's `?error=…` as the `?problem=…` our pages know. */
function withProblem(location: string): string {
  const base = 'http://relative.invalid';
  const url = new URL(location, base);
  const error = url.searchParams.get('error');
  if (error === null) return location;
  url.searchParams.delete('error');
  url.searchParams.delete('error_description');
  url.searchParams.set('problem', problems[error] ?? 'provider');
  // Always on our own site, whatever the address it was asked to go to.
  return `${url.pathname}${url.search}`;
}

async function errorBody(response: Response): Promise<string> {
  const text = await response.text();
  const { code, message, ...rest } = parse(text);
  return JSON.stringify({
    ...(response.status >= 500 ? {} : rest),
    code: response.status >= 500 ? 'INTERNAL' : (code ?? codeOfStatus(response.status)),
    message:
      response.status >= 500
        ? 'Something went wrong on the server. Its log says what.'
        : (message ?? `The request was refused (${response.status}).`),
  });
}

function codeOfStatus(status: number): string {
  if (status === 401) return 'UNAUTHENTICATED';
  if (status === 403) return 'FORBIDDEN';
  if (status === 404) return 'NOT_FOUND';
  return status === 429 ? 'RATE_LIMITED' : 'VALIDATION';
}

function parse(text: string): { code?: unknown; message?: unknown } {
  const value = parseJson(text);
  return isRecord(value) ? value : {};
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function setsCookie(headers: Headers, name: string): boolean {
  return headers.getSetCookie().some((cookie) => cookie.startsWith(`${name}=`));
}

function withType(headers: Headers): Headers {
  headers.set('content-type', 'application/json; charset=utf-8');
  headers.delete('content-length');
  return headers;
}

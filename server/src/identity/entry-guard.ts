import { storableText } from '../lib/json.ts';
import type { RequestFacts } from './identity-options.ts';

export const basePath = '/api/auth';
export const maxBodyBytes = 64 * 1_024;

/**
 * All that is reachable. better-auth brings more (signing up, changing the address without proof, listing tokens), and a
 * later version may bring others still: what is not here does not exist.
 */
const open: ReadonlySet<string> = new Set([
  'GET /get-session',
  'GET /jwks',
  'GET /list-accounts',
  'GET /passkey/generate-authenticate-options',
  'GET /passkey/generate-register-options',
  'GET /passkey/list-user-passkeys',
  'GET /hive/status',
  'GET /hive/sessions',
  'POST /change-password',
  'POST /link-social',
  'POST /passkey/delete-passkey',
  'POST /passkey/update-passkey',
  'POST /passkey/verify-authentication',
  'POST /passkey/verify-registration',
  'POST /sign-in/email',
  'POST /sign-in/social',
  'POST /sign-out',
  'POST /two-factor/disable',
  'POST /two-factor/enable',
  'POST /two-factor/generate-backup-codes',
  'POST /two-factor/verify-backup-code',
  'POST /two-factor/verify-totp',
  'POST /unlink-account',
  'POST /update-user',
  'POST /hive/confirm',
  'POST /hive/invitation/accept',
  'POST /hive/invitation/check',
  'POST /hive/pair/claim',
  'POST /hive/pair/start',
  'POST /hive/pair/state',
  'POST /hive/password',
  'POST /hive/recover',
  'POST /hive/recovery-codes',
  'POST /hive/service-token',
  'POST /hive/sessions/revoke',
  'POST /hive/sessions/revoke-others',
  'POST /hive/setup',
  'POST /hive/setup/check',
  'POST /hive/setup/finish',
  'POST /hive/setup/link',
  'POST /hive/step-up/options',
  'POST /hive/step-up/passkey',
  'POST /hive/step-up/totp',
]);

const callback = /^GET \/callback\/[a-z0-9-]{1,40}$/;

/** Those that go to another provider, and so need to know where it answers. */
export function needsProviders(path: string): boolean {
  return path === '/sign-in/social' || path === '/link-social' || path.startsWith('/callback/');
}

/** Path below `/api/auth`, or undefined when it is elsewhere. */
export function pathOf(request: Request): string | undefined {
  const { pathname } = new URL(request.url);
  return pathname.startsWith(`${basePath}/`) ? pathname.slice(basePath.length) : undefined;
}

/** A refusal of what no page of ours would send. Undefined: it may pass. */
export function refuseEntry(
  request: Request,
  body: string,
  facts: RequestFacts,
  isTrustedOrigin: (origin: string) => boolean,
): Response | undefined {
  const path = pathOf(request);
  const key = `${request.method} ${path}`;
  if (path === undefined || !(open.has(key) || callback.test(key)))
    return refusal(404, 'NOT_FOUND', `There is no ${request.method} ${new URL(request.url).pathname}.`);
  const { headers } = request;
  const origin = headers.get('origin');
  if (origin !== null && origin !== facts.baseUrl && !isTrustedOrigin(origin))
    return refusal(
      403,
      'INVALID_ORIGIN',
      `Requests from the origin ${JSON.stringify(origin)} are refused: it is not this server's.`,
    );
  // Coming back from a provider is a navigation from their site; so is nothing else here.
  if (headers.get('sec-fetch-site') === 'cross-site' && !callback.test(key))
    return refusal(403, 'CROSS_SITE', 'Requests from other sites are refused.');
  if (bringsUnstorable(new URL(request.url), body))
    return refusal(400, 'VALIDATION', 'A text must not contain NUL or broken Unicode.');
  if (request.method !== 'POST') return undefined;
  const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  // A form elsewhere can post text, and even JSON as text, but never with this type.
  if (type !== 'application/json' && !(type === undefined && body === ''))
    return refusal(415, 'UNSUPPORTED_MEDIA_TYPE', 'Send the body as application/json.');
  return undefined;
}

/** Texts of a JSON document, as they are written in it. */
const jsonTexts = /"(?:[^"\\]+|\\.)*"/g;

/**
 * Whether a request brings text that PostgreSQL refuses (NUL) or would change (half a surrogate pair), wherever in it. The
 * body is not parsed for it: nesting that nobody has checked yet costs nothing here.
 */
function bringsUnstorable(url: URL, body: string): boolean {
  for (const value of url.searchParams.values()) if (!isStorable(value)) return true;
  for (const [written] of body.matchAll(jsonTexts))
    if (written.includes('\\u') && !isStorable(readText(written))) return true;
  return false;
}

const isStorable = (text: string) => storableText(text) === text;

/** Empty for what is no JSON: that is refused later. */
function readText(written: string): string {
  try {
    return JSON.parse(written) as string;
  } catch {
    return '';
  }
}

export function refusal(
  status: number,
  code: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json({ code, message }, { status, headers: { 'cache-control': 'no-store', ...headers } });
}

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isLoopbackHost } from '../config/schema.ts';
import type { ErrorCode } from '../lib/errors.ts';
import { nameOf, type Client } from './client-of.ts';

/**
 * On every response: no sniffing, no framing, nothing about us to other sites, and none of the device's abilities but
 * passkeys and the clipboard, which sign-in, pairing and links use.
 */
export const commonHeaders = {
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'x-frame-options': 'DENY',
  // For what is no page: opened as one, it may do nothing. Pages bring their own.
  'content-security-policy':
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'permissions-policy': [
    'publickey-credentials-get=(self)',
    'publickey-credentials-create=(self)',
    'clipboard-write=(self)',
    ...[
      'accelerometer',
      'browsing-topics',
      'camera',
      'display-capture',
      'geolocation',
      'gyroscope',
      'magnetometer',
      'microphone',
      'midi',
      'payment',
      'screen-wake-lock',
      'usb',
    ].map((feature) => `${feature}=()`),
  ].join(', '),
} as const;

/** Once seen behind TLS, browsers do not try without for a year. Not for names below ours: those are not ours to decide. */
const strictTransport = 'max-age=31536000';

/** Puts what belongs on every response on this one. */
export function setCommonHeaders(response: ServerResponse, client: Pick<Client, 'scheme' | 'host'>): void {
  for (const [name, value] of Object.entries(commonHeaders)) response.setHeader(name, value);
  if (client.scheme === 'https') response.setHeader('strict-transport-security', strictTransport);
  // Browsers take this one from trustworthy origins only, and complain of it elsewhere.
  else if (!isLoopbackHost(nameOf(client.host))) response.removeHeader('cross-origin-opener-policy');
}

export function send(
  response: ServerResponse,
  status: number,
  type: string,
  body: string | Buffer,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, {
    'content-type': type,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    ...headers,
  });
  response.end(response.req.method === 'HEAD' ? undefined : body);
}

export function isRead(request: IncomingMessage): boolean {
  return request.method === 'GET' || request.method === 'HEAD';
}

export function sendMethodNotAllowed(response: ServerResponse): void {
  send(response, 405, 'text/plain; charset=utf-8', 'Method not allowed.\n', { allow: 'GET, HEAD' });
}

/** A refusal in the shape GraphQL clients expect. */
export function sendError(
  response: ServerResponse,
  status: number,
  code: ErrorCode,
  message: string,
  extensions: Record<string, unknown> = {},
): void {
  const body = JSON.stringify({ errors: [{ message, extensions: { code, ...extensions } }] });
  // The rest of a refused body is not read, so the connection cannot be used again.
  send(
    response,
    status,
    'application/json; charset=utf-8',
    body,
    response.req.complete ? {} : { connection: 'close' },
  );
}

/**
 * A body that is not much too large is read to its end, and thrown away: closing a connection with unread data resets it,
 * and the reset may overtake the refusal on its way to the client.
 * @returns undefined when it is larger than `maxBytes`
 */
export async function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | undefined> {
  const patience = 8 * maxBytes;
  if (Number(request.headers['content-length'] ?? 0) > patience) return undefined;
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > patience) return undefined;
    if (bytes > maxBytes) chunks.length = 0;
    else chunks.push(chunk);
  }
  return bytes > maxBytes ? undefined : Buffer.concat(chunks);
}

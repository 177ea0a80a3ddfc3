import type { IncomingHttpHeaders } from 'node:http';
import { isLoopbackHost } from '../config/schema.ts';

export interface Refusal {
  status: number;
  message: string;
}

export interface GuardOptions {
  /** The port that is listened on. */
  port: number;
  /** Accepted besides the loopback names, with the port unless it is the scheme's default. */
  allowedHosts: readonly string[];
}

/**
 * Keeps web pages elsewhere from driving this server through the browser of the person who uses it. The Host header
 * must be a name of ours, which defeats DNS rebinding (a foreign name that resolves to 127.0.0.1); the Origin header,
 * when there is one, too, which defeats cross-site requests and WebSockets.
 * @returns undefined when the request may pass
 */
export function refuseForeign(headers: IncomingHttpHeaders, options: GuardOptions): Refusal | undefined {
  const { host, origin } = headers;
  if (!isOurs(host, options)) {
    return {
      status: 421,
      message: `This server does not answer for the host ${JSON.stringify(host ?? '')}. Use http://127.0.0.1:${options.port}, or add the name to HIVE_ALLOWED_HOSTS.`,
    };
  }
  if (origin !== undefined && !isOurs(hostOfOrigin(origin), options)) {
    return {
      status: 403,
      message: `Requests from the origin ${JSON.stringify(origin)} are refused: it is not this server's.`,
    };
  }
  // Browsers send no Origin with simple GETs; this header tells the same. Following a link is no request of the other page.
  if (headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate') {
    return { status: 403, message: 'Requests from other sites are refused.' };
  }
  return undefined;
}

/**
 * A form or an image on another page can send a POST, but only with a simple content type and without own headers.
 */
export function refuseForgeable(headers: IncomingHttpHeaders): Refusal | undefined {
  const type = headers['content-type']?.split(';')[0]?.trim().toLowerCase();
  if (type === 'application/json' || type === 'application/graphql-response+json') return undefined;
  if (headers['x-hive-csrf'] !== undefined) return undefined;
  return {
    status: 415,
    message: 'Send the content type application/json, or the header X-Hive-Csrf with any value.',
  };
}

function isOurs(host: string | undefined, { port, allowedHosts }: GuardOptions): boolean {
  if (!host) return false;
  const name = host.toLowerCase();
  if (allowedHosts.some((allowed) => allowed.toLowerCase() === name)) return true;
  const [, bare, ownPort = '80'] = /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/.exec(name) ?? [];
  return bare !== undefined && Number(ownPort) === port && isLoopbackHost(bare);
}

function hostOfOrigin(origin: string): string | undefined {
  const match = /^https?:\/\/([^/]+)$/.exec(origin);
  return match?.[1];
}

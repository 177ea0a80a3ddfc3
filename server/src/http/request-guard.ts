import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { networkInterfaces } from 'node:os';
import { isLoopbackHost, type HiveConfig } from '../config/schema.ts';
import { nameOf, plainAddress, type Client } from './client-of.ts';

export interface Refusal {
  status: number;
  message: string;
}

export interface GuardOptions {
  /** The port that is listened on. */
  port: number;
  config: Pick<HiveConfig['server'], 'host' | 'allowedHosts' | 'publicUrl'>;
}

/**
 * Keeps web pages elsewhere from driving this server through the browser of the person who uses it. The Host header
 * must be a name of ours, which defeats DNS rebinding (a foreign name that resolves to our address); the Origin header,
 * when there is one, too, which defeats cross-site requests and WebSockets.
 * @returns undefined when the request may pass
 */
export function refuseForeign(
  headers: IncomingHttpHeaders,
  client: Pick<Client, 'host' | 'scheme'>,
  options: GuardOptions,
): Refusal | undefined {
  const { host, scheme } = client;
  if (!isOurs(host, scheme, options)) {
    const use = options.config.publicUrl ?? `${scheme}://127.0.0.1:${options.port}`;
    return {
      status: 421,
      message: `This server does not answer for the host ${JSON.stringify(host.slice(0, 100))}. Use ${use}, or add the name to HIVE_ALLOWED_HOSTS.`,
    };
  }
  const { origin } = headers;
  // Another one of our names may be another program's, as loopback is on the machine of whoever looks at a public page.
  const isExpected = (page: string) => page === host.toLowerCase() || isNamed(page, options);
  if (origin !== undefined && !(isExpected(hostOf(origin)) && isOurOrigin(origin, scheme, options))) {
    return {
      status: 403,
      message: `Requests from the origin ${JSON.stringify(origin.slice(0, 100))} are refused: it is not this server's.`,
    };
  }
  // Browsers send no Origin with simple GETs; this header tells the same. Following a link is no request of the other page.
  if (headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate') {
    return { status: 403, message: 'Requests from other sites are refused.' };
  }
  return undefined;
}

/** Of two Host headers Node reads the first; whoever stands in front may have checked the other one. */
export function refuseTwoHosts({
  headersDistinct,
}: Pick<IncomingMessage, 'headersDistinct'>): Refusal | undefined {
  if ((headersDistinct['host']?.length ?? 0) < 2) return undefined;
  return { status: 400, message: 'The request has two Host headers.' };
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

/** Whether the operator gave this name, with its port, in the settings. */
function isNamed(name: string, { config }: GuardOptions): boolean {
  if (config.allowedHosts.some((allowed) => allowed.toLowerCase() === name)) return true;
  return config.publicUrl !== undefined && new URL(config.publicUrl).host === name;
}

function hostOf(origin: string): string {
  return origin.replace(/^https?:\/\//i, '').toLowerCase();
}

function isOurs(host: string, scheme: Client['scheme'], options: GuardOptions): boolean {
  const { port, config } = options;
  const name = host.toLowerCase();
  if (name === '') return false;
  if (isNamed(name, options)) return true;
  const [, bare, ownPort = scheme === 'https' ? '443' : '80'] =
    /^(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::(\d{1,5}))?$/.exec(name) ?? [];
  if (bare === undefined || Number(ownPort) !== port) return false;
  return isLoopbackHost(bare) || (!isLoopbackHost(config.host) && isOwnAddress(bare));
}

/** Whether a page of this origin is one of ours. @param scheme the request's own; http when it is not known */
export function isOurOrigin(origin: string, scheme: Client['scheme'], options: GuardOptions): boolean {
  const [, originScheme, host] = /^(https?):\/\/([^/]+)$/.exec(origin) ?? [];
  if (originScheme === undefined || host === undefined) return false;
  // A page without TLS can be anybody's on the way; what is behind TLS must not be driven by it.
  if (scheme === 'https' && originScheme === 'http') return false;
  return isOurs(host, originScheme as Client['scheme'], options);
}

/** Interfaces come and go with networks and leases: what was known is looked up again after this long. */
const rememberMs = 5_000;
let known = { addresses: new Set<string>(), at: -Infinity };

/** An address is not a name that somebody else could let point here; still only our own are answered for. */
function isOwnAddress(bare: string): boolean {
  if (performance.now() - known.at > rememberMs) {
    const interfaces = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    known = {
      addresses: new Set(interfaces.map(({ address }) => plainAddress(address))),
      at: performance.now(),
    };
  }
  return known.addresses.has(plainAddress(nameOf(bare).replace(/^\[(.*)\]$/, '$1')));
}

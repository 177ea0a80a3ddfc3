import { lookup } from 'node:dns/promises';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { z } from 'zod';
import { DomainError, messageOf } from '../lib/errors.ts';
import { htmlToText } from './html-text.ts';
import { isPublicAddress } from './public-address.ts';
import { defineTool, type Tool } from './tool.ts';

const maxRedirects = 5;

export interface HttpFetchOptions {
  /** Every address a name has. Default: the system's resolver. */
  resolve?: (host: string) => Promise<string[]>;
  /** Default: only the public internet. Tests allow one loopback port. */
  isAllowed?: (address: string, port: number) => boolean;
  /** Over all redirects. Default 10 s. */
  timeoutMs?: number;
  /** Default 1 MiB. */
  maxBytes?: number;
}

const input = z.object({ url: z.string().min(1).max(4_000).describe('absolute http or https address') });

const output = z.object({
  url: z.string(),
  status: z.int(),
  contentType: z.string(),
  text: z.string(),
});
type HttpFetch = z.infer<typeof output>;

type Limits = Required<HttpFetchOptions>;

/**
 * GET over http and https for agents. What a model asks for may come from a page it read, so: the name is resolved once,
 * every address it has must be public, the connection goes to the very address that was checked (a second lookup could
 * answer differently), and each redirect starts over.
 */
export function createHttpFetch(options: HttpFetchOptions = {}): Tool {
  const limits: Limits = {
    resolve:
      options.resolve ?? (async (host) => (await lookup(host, { all: true })).map(({ address }) => address)),
    isAllowed: options.isAllowed ?? isPublicAddress,
    timeoutMs: options.timeoutMs ?? 10_000,
    maxBytes: options.maxBytes ?? 1024 * 1024,
  };
  return defineTool<z.infer<typeof input>, HttpFetch>({
    name: 'http.fetch',
    description: 'Gets a public web page or text file by http or https. Returns its text.',
    input,
    output,
    idempotent: true,
    risk: 'MEDIUM',
    maxOutputChars: 2_000_000,
    async run({ url }, context) {
      const timeout = AbortSignal.timeout(limits.timeoutMs);
      const signal = AbortSignal.any([timeout, context.signal]);
      try {
        return await fetchFollowing(url, limits, signal, (line) => context.note(line));
      } catch (error) {
        if (error instanceof DomainError) throw error;
        if (context.signal.aborted) throw context.signal.reason;
        if (timeout.aborted) {
          throw new DomainError('TIMEOUT', `${url} did not answer within ${limits.timeoutMs} ms.`, {
            cause: error,
            retryable: true,
          });
        }
        throw new DomainError('UNAVAILABLE', `${url}: ${messageOf(error)}`, {
          cause: error,
          retryable: true,
        });
      }
    },
  });
}

async function fetchFollowing(
  start: string,
  limits: Limits,
  signal: AbortSignal,
  note: (line: string) => void,
): Promise<HttpFetch> {
  let url = parseUrl(start);
  for (let hop = 0; hop <= maxRedirects; hop += 1) {
    const address = await checkedAddress(url, limits, signal);
    const response = await get(url, address, signal);
    const status = response.statusCode ?? 0;
    const location = response.headers.location;
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined) {
      return readResponse(url, response, limits);
    }
    response.destroy();
    url = parseUrl(URL.canParse(location, url) ? new URL(location, url).href : location);
    note(`http.fetch: ${status}, on to ${url.origin}${url.pathname}`);
  }
  throw new DomainError('LIMIT_EXCEEDED', `${start} redirects more than ${maxRedirects} times.`);
}

function parseUrl(text: string): URL {
  if (!URL.canParse(text))
    throw new DomainError('VALIDATION', `${text.slice(0, 200)} is not an absolute address.`);
  const url = new URL(text);
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new DomainError('FORBIDDEN', `${url.protocol}// is not allowed; only http and https are.`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new DomainError('FORBIDDEN', 'An address with a user name or password in it is not allowed.');
  }
  return url;
}

/** The one address to connect to. Decimal, octal and hexadecimal host forms were made plain by the URL parser. */
async function checkedAddress(url: URL, limits: Limits, signal: AbortSignal): Promise<string> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80));
  const addresses = isIP(host) ? [host] : await resolveName(host, limits, signal);
  const refused = addresses.find((address) => !limits.isAllowed(address, port));
  if (refused !== undefined) {
    throw new DomainError(
      'FORBIDDEN',
      `${url.hostname} is at ${refused}, which is not a public address; it is not fetched.`,
    );
  }
  const [first] = addresses;
  if (first === undefined) throw new DomainError('NOT_FOUND', `${url.hostname} has no address.`);
  return first;
}

async function resolveName(host: string, limits: Limits, signal: AbortSignal): Promise<string[]> {
  // Resolvers know these without DNS; the answer would be refused anyway, this says it more plainly.
  if (/(^|\.)(localhost|local|internal|home\.arpa)\.?$/i.test(host)) {
    throw new DomainError('FORBIDDEN', `${host} is a name of the local network; it is not fetched.`);
  }
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  aborted.catch(() => undefined);
  try {
    return await Promise.race([limits.resolve(host), aborted]);
  } catch (error) {
    if (signal.aborted) throw error;
    throw new DomainError('NOT_FOUND', `${host} cannot be resolved: ${messageOf(error)}`, { cause: error });
  }
}

function get(url: URL, address: string, signal: AbortSignal): Promise<IncomingMessage> {
  const family = isIP(address);
  const options: RequestOptions & { servername?: string } = {
    method: 'GET',
    agent: false,
    signal,
    headers: {
      'user-agent': 'agent-hive',
      accept: 'text/*, application/json, application/xml;q=0.9',
      'accept-encoding': 'identity',
    },
    // Pins the connection: whatever the name resolves to by now, this is where it goes.
    lookup: (_host, lookupOptions, done) => {
      if (lookupOptions.all) done(null, [{ address, family }]);
      else done(null, address, family);
    },
  };
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? httpsRequest(url, options) : httpRequest(url, options);
    request.once('response', resolve);
    request.once('error', reject);
    request.end();
  });
}

async function readResponse(url: URL, response: IncomingMessage, limits: Limits): Promise<HttpFetch> {
  const contentType = (response.headers['content-type'] ?? 'text/plain').toLowerCase();
  const stop = (error: DomainError): DomainError => {
    response.destroy();
    return error;
  };
  if (
    !/^(text\/|application\/(json|xml|xhtml\+xml|javascript|yaml|x-yaml|toml)|application\/[\w.-]+\+(json|xml))/.test(
      contentType,
    )
  ) {
    throw stop(new DomainError('VALIDATION', `${url.href} is ${contentType}; only text is fetched.`));
  }
  const encoding = response.headers['content-encoding'] ?? 'identity';
  if (encoding !== 'identity')
    throw stop(
      new DomainError('VALIDATION', `${url.href} is sent as ${encoding} although plain text was asked for.`),
    );
  const tooLarge = () =>
    new DomainError('LIMIT_EXCEEDED', `${url.href} is larger than ${limits.maxBytes} bytes.`);
  if (Number(response.headers['content-length'] ?? 0) > limits.maxBytes) throw stop(tooLarge());
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of response as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > limits.maxBytes) throw stop(tooLarge());
    parts.push(part);
  }
  const bytes = Buffer.concat(parts);
  if (bytes.includes(0))
    throw new DomainError('VALIDATION', `${url.href} says ${contentType} but is binary.`);
  const raw = new TextDecoder().decode(bytes);
  const text = /html/.test(contentType) ? htmlToText(raw) : raw;
  return { url: url.href, status: response.statusCode ?? 0, contentType, text };
}

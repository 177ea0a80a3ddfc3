import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { isLoopbackHost, type HiveConfig } from '../config/schema.ts';

/** What is known of whoever sent a request, before asking who they are. */
export interface Client {
  /** Of the client: behind trusted proxies what they say, else the peer's. Empty when the peer is gone already. */
  address: string;
  /** Straight from this machine: the peer is on loopback, asks for a loopback name, and no proxy stands between or may. */
  isLocal: boolean;
  /** The name the client used, with its port. Not checked yet: see `refuseForeign`. */
  host: string;
  scheme: 'http' | 'https';
  /** Scheme and host as the client used them, without a slash at the end. */
  baseUrl: string;
}

type ProxyConfig = Pick<HiveConfig['server'], 'trustedProxies' | 'publicUrl'>;
type Request = Pick<IncomingMessage, 'headers' | 'socket'> & { httpVersion?: string };

/**
 * X-Forwarded-For, -Proto and -Host are believed from trusted proxies only: anybody else could write anything there. Of
 * the addresses the rightmost that is no trusted proxy counts; those to its left are its own words.
 */
export function clientOf(request: Request, config: ProxyConfig): Client {
  const { headers, socket } = request;
  const peer = plainAddress(socket.remoteAddress ?? '');
  const trusted = trustedList(config.trustedProxies);
  const isProxied = isTrusted(trusted, peer);
  const isEncrypted = 'encrypted' in socket && socket.encrypted === true;
  const ownHost = headers.host ?? '';
  const forwardedHost = isProxied ? lastOf(headers['x-forwarded-host']) : undefined;
  const forwardedScheme = isProxied ? lastOf(headers['x-forwarded-proto'])?.toLowerCase() : undefined;
  const host = forwardedHost ?? ownHost;
  const scheme =
    forwardedScheme === 'https' || forwardedScheme === 'http'
      ? forwardedScheme
      : isEncrypted
        ? 'https'
        : 'http';
  return {
    address: isProxied ? forwardedAddress(headers, trusted, peer) : peer,
    isLocal:
      isLoopbackAddress(peer) &&
      isLoopbackHost(nameOf(ownHost)) &&
      !(isReachedElsewhere(config) || isForwarded(request)),
    host,
    scheme,
    baseUrl: `${scheme}://${host}`,
  };
}

/** An IPv4 address that a dual-stack socket shows as IPv6, as IPv4; without a zone. */
export function plainAddress(address: string): string {
  const bare = address.replace(/%.*$/, '').toLowerCase();
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1];
  return mapped ?? bare;
}

/** The name in a Host header, without its port. */
export function nameOf(host: string): string {
  return host.replace(/:\d*$/, '').toLowerCase();
}

function isLoopbackAddress(address: string): boolean {
  return address === '::1' || (isIP(address) === 4 && address.startsWith('127.'));
}

/** What proxies and tunnels add besides X-Forwarded-…. */
const proxyHeaders: ReadonlySet<string> = new Set([
  ...['forwarded', 'via', 'x-real-ip', 'x-client-ip', 'x-cluster-client-ip', 'x-original-host'],
  ...['true-client-ip', 'cf-connecting-ip', 'cf-ray', 'cdn-loop', 'x-envoy-external-address'],
]);

/**
 * A proxy on this machine would make the whole world look local. One that says nothing of itself is told by its HTTP/1.0,
 * which nginx speaks to what is behind it unless it is set up otherwise, and browsers and curl do not.
 */
function isForwarded({ headers, httpVersion }: Request): boolean {
  if (httpVersion === '1.0') return true;
  return Object.keys(headers).some((name) => name.startsWith('x-forwarded-') || proxyHeaders.has(name));
}

/** Somewhere a proxy stands that may pass requests on as its own: then nothing tells them from those of this machine. */
function isReachedElsewhere({ publicUrl }: ProxyConfig): boolean {
  return publicUrl !== undefined && !isLoopbackHost(new URL(publicUrl).hostname);
}

function forwardedAddress(headers: IncomingHttpHeaders, trusted: BlockList, peer: string): string {
  const hops = [headers['x-forwarded-for'] ?? []].flat().join(',').split(',');
  let nearest = peer;
  for (const hop of hops.reverse()) {
    const address = plainAddress(withoutPort(hop.trim()));
    // Not an address: whoever added it is the last one known.
    if (isIP(address) === 0) return nearest;
    nearest = address;
    if (!isTrusted(trusted, address)) return address;
  }
  return nearest;
}

function withoutPort(hop: string): string {
  return /^\[([^\]]+)\](?::\d+)?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? hop;
}

function lastOf(header: string | string[] | undefined): string | undefined {
  return [header ?? []].flat().join(',').split(',').at(-1)?.trim() || undefined;
}

const lists = new WeakMap<readonly string[], BlockList>();

function trustedList(networks: readonly string[]): BlockList {
  const known = lists.get(networks);
  if (known) return known;
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', prefix] = network.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (prefix === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(prefix), family);
  }
  lists.set(networks, list);
  return list;
}

function isTrusted(list: BlockList, address: string): boolean {
  const family = isIP(address);
  return family !== 0 && list.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

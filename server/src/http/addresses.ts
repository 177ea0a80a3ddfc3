import { networkInterfaces } from 'node:os';
import { isLoopbackHost, type HiveConfig } from '../config/schema.ts';
import { nameOf, type Client } from './client-of.ts';

type Reach = Pick<HiveConfig['server'], 'host' | 'publicUrl'>;

/** The address in the local network that another device most likely reaches: IPv4, private before public. */
export function networkAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .filter(
      ({ family, internal, address }) => family === 'IPv4' && !internal && !address.startsWith('169.254.'),
    )
    .map(({ address }) => address);
  return addresses.find(isPrivate) ?? addresses[0];
}

function isPrivate(address: string): boolean {
  return /^(10\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.)/.test(address);
}

/**
 * Where another device reaches the hive: HIVE_PUBLIC_URL, else the address listened on, else one of the network's.
 * @param url of the listener
 * @returns undefined when only this machine does
 */
export function reachableUrl({ host, publicUrl }: Reach, url: string): string | undefined {
  if (publicUrl !== undefined) return new URL(publicUrl).origin;
  if (isLoopbackHost(host)) return undefined;
  if (host !== '0.0.0.0' && host !== '::' && host !== '[::]') return url;
  const address = networkAddress();
  if (address === undefined) return undefined;
  const own = new URL(url);
  return `${own.protocol}//${address}:${own.port === '' ? (own.protocol === 'https:' ? '443' : '80') : own.port}`;
}

/** What links in answers begin with: they are often opened on another device than the one that asked. */
export function linkBaseOf(client: Client, config: Reach, url: string): string {
  if (config.publicUrl === undefined && !isLoopbackHost(nameOf(client.host))) return client.baseUrl;
  return reachableUrl(config, url) ?? client.baseUrl;
}

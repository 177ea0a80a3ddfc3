import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * Everything that is not the public internet, from IANA's special-purpose registries (IPv4 and IPv6, as of 2025): a URL
 * from a model or a page must not reach this machine or the networks around it.
 */
const blocked4 = new BlockList();
for (const [network, prefix] of [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // carrier-grade NAT
  ['127.0.0.0', 8], // loopback
  ['169.254.0.0', 16], // link-local, cloud metadata
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.31.196.0', 24], // AS112
  ['192.52.193.0', 24], // AMT
  ['192.88.99.0', 24], // 6to4 relays, deprecated
  ['192.168.0.0', 16], // private
  ['192.175.48.0', 24], // AS112
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
] as const) {
  blocked4.addSubnet(network, prefix, 'ipv4');
}

/** Inside 2000::/3, the only part of IPv6 that is routed on the internet. */
const blocked6 = new BlockList();
for (const [network, prefix] of [
  ['2001::', 23], // protocol assignments, with Teredo (2001::/32), benchmarks, ORCHID
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4: carries any IPv4 address, and no host of today needs it
  ['2620:4f:8000::', 48], // AS112
  ['3fff::', 20], // documentation
] as const) {
  blocked6.addSubnet(network, prefix, 'ipv6');
}
const global6 = new BlockList();
global6.addSubnet('2000::', 3, 'ipv6');

/** Whether an address (as text, from DNS or a URL, with or without brackets) is on the public internet. */
export function isPublicAddress(address: string): boolean {
  const text = address.replace(/^\[|\]$/g, '');
  // A zone only exists for link-local addresses.
  if (text.includes('%') || isIP(text) === 0) return false;
  if (isIPv4(text)) return !blocked4.check(text, 'ipv4');
  const groups = expand(text);
  // NAT64 (RFC 6052) translates to the IPv4 address inside, so that one decides.
  if (groups.slice(0, 6).join(':') === '100:65435:0:0:0:0') return !blocked4.check(lastIPv4(groups), 'ipv4');
  // Everything else outside 2000::/3 is refused, with it ::1, ::ffff:a.b.c.d, fc00::/7, fe80::/10, ff00::/8.
  return global6.check(text, 'ipv6') && !blocked6.check(text, 'ipv6');
}

function expand(text: string): number[] {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const plain = dotted
    ? `${dotted[1]!}${hex(Number(dotted[2]) * 256 + Number(dotted[3]))}:${hex(Number(dotted[4]) * 256 + Number(dotted[5]))}`
    : text;
  const [left = '', right] = plain.split('::');
  const head = left === '' ? [] : left.split(':');
  const tail = right === undefined || right === '' ? [] : right.split(':');
  const gap = right === undefined ? 0 : 8 - head.length - tail.length;
  return [...head, ...Array.from({ length: gap }, () => '0'), ...tail].map((group) =>
    Number.parseInt(group, 16),
  );
}

function lastIPv4(groups: readonly number[]): string {
  const [high = 0, low = 0] = groups.slice(6);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function hex(value: number): string {
  return value.toString(16);
}

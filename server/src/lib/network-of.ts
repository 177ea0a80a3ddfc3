import { isIP } from 'node:net';

/**
 * What limits and counts go by: an IPv4 address as it is; of IPv6 the network, since one household or server has 2⁶⁴
 * addresses. Equal networks give equal texts.
 * @param address maybe with a zone; anything that is no address is given back
 */
export function networkOf(address: string): string {
  const bare = address.replace(/%.*$/, '').toLowerCase();
  if (isIP(bare) !== 6 || bare.includes('.')) return bare;
  const [head = '', tail] = bare.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail?.split(':').filter(Boolean) ?? [];
  const zeros = tail === undefined ? [] : Array.from({ length: 8 - left.length - right.length }, () => '0');
  const groups = [...left, ...zeros, ...right].slice(0, 4).map((group) => group.replace(/^0+(?=.)/, ''));
  return `${groups.join(':')}::/64`;
}

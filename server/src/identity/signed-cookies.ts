import { createHmac, timingSafeEqual } from 'node:crypto';

/** `__Host-` ties a cookie to this host and to https; browsers refuse it over plain http. */
export function cookiePrefix(baseUrl: string): string {
  return baseUrl.startsWith('https:') ? '__Host-hive' : 'hive';
}

/**
 * The session token in a Cookie header, when its signature is ours. The format is that of better-call's signed cookies:
 * `<value>.<base64 of HMAC-SHA-256>`, percent-encoded.
 * @param secrets the current one first
 * @returns `isStale` when only a secret before the current one fits
 */
export function readSessionToken(
  header: string,
  baseUrl: string,
  secrets: readonly string[],
): { token: string; isStale: boolean } | undefined {
  const value = findCookie(header, `${cookiePrefix(baseUrl)}.session_token`);
  const signed = value === undefined ? undefined : verify(value, secrets);
  return signed && { token: signed.value, isStale: signed.index > 0 };
}

/** The header with cookies of ours that an earlier secret signed signed again with the current one. */
export function resignCookies(header: string, baseUrl: string, secrets: readonly string[]): string {
  const prefix = `${cookiePrefix(baseUrl)}.`;
  return header
    .split(';')
    .map((pair) => {
      const [name, value] = splitPair(pair);
      if (!name.startsWith(prefix)) return pair;
      const signed = verify(value, secrets);
      return signed && signed.index > 0 ? ` ${name}=${signCookie(signed.value, secrets[0]!)}` : pair;
    })
    .join(';')
    .trimStart();
}

export function signCookie(value: string, secret: string): string {
  return encodeURIComponent(`${value}.${signatureOf(value, secret)}`);
}

function verify(encoded: string, secrets: readonly string[]): { value: string; index: number } | undefined {
  const text = decode(encoded);
  const dot = text?.lastIndexOf('.') ?? -1;
  if (text === undefined || dot < 1) return undefined;
  const value = text.slice(0, dot);
  const signature = Buffer.from(text.slice(dot + 1));
  const index = secrets.findIndex((secret) => {
    const expected = Buffer.from(signatureOf(value, secret));
    return signature.length === expected.length && timingSafeEqual(signature, expected);
  });
  return index < 0 ? undefined : { value, index };
}

function signatureOf(value: string, secret: string): string {
  return createHmac('sha256', secret).update(value).digest('base64');
}

function findCookie(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const [found, value] = splitPair(pair);
    if (found === name) return value;
  }
  return undefined;
}

function splitPair(pair: string): [string, string] {
  const equals = pair.indexOf('=');
  if (equals < 0) return ['', ''];
  return [
    pair.slice(0, equals).trim(),
    pair
      .slice(equals + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1'),
  ];
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

import { expect, it } from 'vitest';
import { readSessionToken, resignCookies, signCookie } from './signed-cookies.ts';

const [now, before] = ['the secret of today', 'the secret of yesterday'];
const http = 'http://127.0.0.1:4000';
const https = 'https://hive.example';
const cookie = (secret: string) => `hive.session_token=${signCookie('the.token', secret)}`;

it('reads what it signed, among others', () => {
  const header = `a=b; ${cookie(now)}; c="d"`;
  expect(readSessionToken(header, http, [now])).toEqual({ token: 'the.token', isStale: false });
});

it('knows what an earlier secret signed, and signs it again', () => {
  expect(readSessionToken(cookie(before), http, [now, before])).toEqual({
    token: 'the.token',
    isStale: true,
  });
  expect(readSessionToken(cookie(before), http, [now])).toBeUndefined();
  expect(resignCookies(`a=b; ${cookie(before)}`, http, [now, before])).toBe(`a=b; ${cookie(now)}`);
  expect(resignCookies(cookie('somebody else'), http, [now, before])).toBe(cookie('somebody else'));
});

it('keeps http and https apart', () => {
  expect(readSessionToken(cookie(now), https, [now])).toBeUndefined();
  const secure = `__Host-hive.session_token=${signCookie('t', now)}`;
  expect(readSessionToken(secure, https, [now])?.token).toBe('t');
  expect(readSessionToken(secure, http, [now])).toBeUndefined();
});

it('takes nothing that is not whole', () => {
  const value = signCookie('t', now);
  const [token, signature] = decodeURIComponent(value).split('.') as [string, string];
  for (const text of [
    '',
    '.',
    token,
    `${token}.`,
    `.${signature}`,
    `x.${signature}`,
    '%E0%A4%A',
    `${value}=`,
  ])
    expect(readSessionToken(`hive.session_token=${text}`, http, [now]), text).toBeUndefined();
});

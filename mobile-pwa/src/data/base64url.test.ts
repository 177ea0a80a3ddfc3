import fc from 'fast-check';
import { expect, it } from 'vitest';
import { base64UrlOf, bytesOf } from './base64url.ts';

it('writes bytes without padding and with letters that an address takes', () => {
  expect(base64UrlOf(Uint8Array.of(0xfb, 0xff, 0xfe, 0x00).buffer)).toBe('-__-AA');
});

it('reads back whatever it writes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      expect([...bytesOf(base64UrlOf(new Uint8Array(bytes).buffer))]).toEqual([...bytes]);
    }),
  );
});

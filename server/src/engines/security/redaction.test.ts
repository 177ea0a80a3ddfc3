import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redact, redacted, redactText, registerSecretValue } from './redaction.ts';

const secrets = {
  'a key of ours': `hive_${'Ab3'.repeat(16)}`,
  'an OpenAI key': 'sk-proj-abcdefghijklmnop1234',
  'an Anthropic key': 'sk-ant-api03-abcdefghijklmnop',
  'a GitHub token': 'ghp_abcdefghijklmnopqrstuvwxyz012345',
  'a Slack token': 'xoxb-123456789012-abcdefghijkl',
  'an AWS key id': 'AKIAIOSFODNN7EXAMPLE',
  'a Google key': `AIza${'b'.repeat(35)}`,
  'a bearer token': 'Bearer abc.def-ghi_jkl',
  'basic credentials': 'Basic dXNlcjpwYXNz',
  'a JWT': 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl',
  'a private key': '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEI\n-----END PRIVATE KEY-----',
  'a private key cut short': '-----BEGIN RSA PRIVATE KEY-----\nMIIEow',
} as const;

describe('text', () => {
  it.each(Object.entries(secrets))('loses %s', (_, secret) => {
    const result = redactText(`before ${secret} after`);
    expect(result).toContain('before ');
    expect(result).toContain(redacted);
    expect(result).not.toContain(secret.slice(-8));
  });

  it.each([
    ['postgres://hive:hunter22@127.0.0.1:5432/hive', 'postgres://[redacted]@127.0.0.1:5432/hive'],
    ['https://x.example/pair#token=abcdefgh', 'https://x.example/pair#token=[redacted]'],
    ['https://x.example/cb?code=abcdefgh&x=1', 'https://x.example/cb?code=[redacted]&x=1'],
    ['password=hunter22 user=hive', 'password=[redacted] user=hive'],
  ])('keeps what is not secret of %s', (text, expected) => expect(redactText(text)).toBe(expected));

  it.each([
    'connect ECONNREFUSED 127.0.0.1:5432',
    'The role hive_tenant may not do this',
    'basic example of a bearer',
    'see https://docs.example/keys and mail a@b.example',
    'used 12 tokens of 4,000',
    'at file:///srv/hive/server/src/app.ts:12:5',
  ])('leaves %s alone', (text) => expect(redactText(text)).toBe(text));

  it('loses values the process knows, as they are and as JSON and URLs carry them', () => {
    registerSecretValue('päss "wörd" #1');
    for (const form of [
      'päss "wörd" #1',
      JSON.stringify('päss "wörd" #1'),
      encodeURIComponent('päss "wörd" #1'),
    ])
      expect(redactText(`<${form}>`)).toContain(redacted);
  });

  it('finds a known value wherever it stands, also across the cut', () => {
    const value = 'known-value-0123456789';
    registerSecretValue(value);
    fc.assert(
      fc.property(
        fc.string({ maxLength: 50 }),
        fc.nat(8_100),
        fc.string({ maxLength: 50 }),
        (left, gap, right) => {
          const result = redactText(`${left}${'.'.repeat(gap)}${value}${right}`);
          expect(result).not.toContain(value.slice(0, 12));
        },
      ),
    );
  });

  it('takes no longer for hostile text', () => {
    const hostile = ['a:', '://', 'bearer ', '-----BEGIN PRIVATE KEY-----', 'eyJ', 'token=', 'hive_', 'key_'];
    for (const part of hostile) {
      const text = redactText(part.repeat(20_000));
      expect(text.length).toBeLessThan(8_100);
    }
  });
});

describe('values', () => {
  it('goes by the names of keys', () => {
    const value = {
      password: 'a',
      clientSecret: 'b',
      'set-cookie': ['c'],
      headers: { Authorization: 'd', accept: 'json' },
      openaiApiKey: 'e',
      recoveryCodes: ['f'],
      sessionToken: { deep: 'g' },
      totp: 123456,
    };
    expect(redact(value)).toEqual({
      password: redacted,
      clientSecret: redacted,
      'set-cookie': redacted,
      headers: { Authorization: redacted, accept: 'json' },
      openaiApiKey: redacted,
      recoveryCodes: redacted,
      sessionToken: redacted,
      totp: redacted,
    });
  });

  it('tells codes that let in from codes of errors', () => {
    expect(redact({ code: '123456' })).toEqual({ code: redacted });
    expect(redact({ code: 'abcd-efgh-1234' })).toEqual({ code: redacted });
    for (const code of ['ECONNREFUSED', 'NOT_FOUND', '57P01', 4403, 'not_found'])
      expect(redact({ code })).toEqual({ code });
  });

  it('keeps what says only that there is something', () => {
    const value = { password: null, token: undefined, hasSecret: true, secret: '', inputTokens: 5 };
    expect(redact(value)).toEqual(value);
  });

  it('never throws, never loops and never gives a known secret away', () => {
    const secret = 'never-give-this-away';
    registerSecretValue(secret);
    const hostile: fc.Arbitrary<unknown> = fc.oneof(
      fc.anything({
        withBigInt: true,
        withDate: true,
        withMap: true,
        withSet: true,
        withTypedArray: true,
        withNullPrototype: true,
        withSparseArray: true,
      }),
      fc.constantFrom<unknown>(
        Symbol('s'),
        () => secret,
        new Proxy(
          {},
          {
            ownKeys: () => {
              throw new Error('no');
            },
          },
        ),
        {
          get a(): string {
            throw new Error(secret);
          },
        },
        { toJSON: () => secret },
        {
          toJSON: () => {
            throw new Error('no');
          },
        },
        new Error(secret, { cause: { message: secret } }),
        new AggregateError([new Error(secret)], 'several'),
        new Map([[secret, secret]]),
        new URL(`https://u:${secret}@x.example/`),
        { [secret]: secret, list: [secret, { x: secret }] },
      ),
    );
    fc.assert(
      fc.property(hostile, (value) => {
        const cyclic: { value: unknown; self?: unknown } = { value };
        cyclic.self = cyclic;
        const text = JSON.stringify(redact(cyclic));
        expect(text).not.toContain(secret);
        expect(text).toContain('[circular]');
      }),
    );
  });

  it('changes nothing of what it is given', () => {
    const value = Object.freeze({ password: 'a', list: Object.freeze([Object.freeze({ token: 'b' })]) });
    redact(value);
    expect(value).toEqual({ password: 'a', list: [{ token: 'b' }] });
  });

  it('cuts what is too deep, too long or too much', () => {
    let deep: unknown = 'end';
    for (let level = 0; level < 1_000; level += 1) deep = { deep };
    const wide = Object.fromEntries(Array.from({ length: 5_000 }, (_, index) => [`k${index}`, index]));
    const many = Array.from({ length: 100_000 }, () => ({ a: [1, 2, 3] }));
    const text = JSON.stringify(redact({ deep, wide, many, long: 'x'.repeat(1_000_000) }));
    expect(text.length).toBeLessThan(100_000);
    expect(text).toContain('[99900 more]');
    expect(text).toContain('[4800 more]');
  });
});

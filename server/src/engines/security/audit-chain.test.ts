import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Json } from '../../lib/json.ts';
import type { AuditContent } from '../../stores/audit-reads.ts';
import { noHash, sealEntries, sealHash } from './audit-chain.ts';

const text = fc.string({ unit: 'binary', maxLength: 20 }).filter((value) => value.isWellFormed());
const maybe = fc.option(text, { nil: null });
const content: fc.Arbitrary<AuditContent> = fc.record({
  id: fc.uuid(),
  workspaceId: fc.constantFrom('a', 'b', 'c'),
  at: text,
  actorKind: text,
  actorId: maybe,
  action: text,
  outcome: fc.constantFrom('ALLOWED', 'DENIED', 'FAILED'),
  subjectType: maybe,
  subjectId: maybe,
  detail: fc.jsonValue() as fc.Arbitrary<Json>,
  requestId: maybe,
});

it('gives another hash after any change of any field, or behind another entry', () => {
  fc.assert(
    fc.property(content, content, (entry, other) => {
      const hash = sealHash(noHash, entry);
      expect(hash).toHaveLength(32);
      // What is read back from JSON is the same entry, in whatever order its keys come.
      const copied = JSON.parse(
        JSON.stringify(Object.fromEntries(Object.entries(entry).reverse())),
      ) as AuditContent;
      expect(sealHash(noHash, copied)).toEqual(hash);
      expect(sealHash(hash, entry)).not.toEqual(hash);
      for (const field of Object.keys(entry) as (keyof AuditContent)[]) {
        if (JSON.stringify(entry[field]) === JSON.stringify(other[field])) continue;
        // Equal but for what JSON cannot tell apart, such as -0 or the order of keys.
        if (isSame(entry[field], other[field])) continue;
        expect(sealHash(noHash, { ...entry, [field]: other[field] })).not.toEqual(hash);
      }
    }),
  );
});

function isSame(left: unknown, right: unknown): boolean {
  const sorted = (value: unknown) =>
    JSON.stringify(value, (_key, item: unknown) =>
      typeof item === 'object' && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([one], [two]) => (one < two ? -1 : 1)))
        : item,
    );
  return sorted(left) === sorted(right);
}

it('makes the same chains whatever the batches and however workspaces mix', () => {
  fc.assert(
    fc.property(
      fc.array(content, { maxLength: 30 }),
      fc.array(fc.nat(30), { maxLength: 5 }),
      (entries, cuts) => {
        const whole = sealEntries(entries, new Map());
        const bounds = [
          0,
          ...cuts.map((cut) => Math.min(cut, entries.length)).sort((a, b) => a - b),
          entries.length,
        ];
        let heads = new Map(whole.heads);
        heads.clear();
        const seals = bounds.slice(1).flatMap((end, index) => {
          const part = sealEntries(entries.slice(bounds[index], end), heads);
          heads = new Map([...heads, ...part.heads]);
          return part.seals;
        });
        expect(seals).toEqual(whole.seals);
        for (const workspaceId of ['a', 'b', 'c']) {
          const own = whole.seals.filter((seal) => seal.workspaceId === workspaceId);
          own.forEach((seal, index) => {
            expect(seal.position).toBe(BigInt(index + 1));
            expect(seal.previous).toEqual(index === 0 ? noHash : own[index - 1]!.hash);
          });
        }
      },
    ),
  );
});

import { AxeBuilder } from '@axe-core/playwright';
import { expect } from 'vitest';
import type { Phone } from './phone.ts';

/** Asserts that axe has nothing against what is on screen. @param where for the message */
export async function expectAccessible({ page }: Phone, where: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.flatMap(({ id, nodes }) =>
    nodes.map((node) => `${where}: ${id}: ${node.failureSummary ?? ''} ${node.html}`),
  );
  expect(found).toEqual([]);
}

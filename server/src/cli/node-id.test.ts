import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { readNodeId } from './node-id.ts';

let folder: string;
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'hive-node-id-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

it('stays the same for a data folder and differs between folders', () => {
  const first = readNodeId(folder);
  expect(readNodeId(folder)).toBe(first);
  expect(readNodeId(join(folder, 'other'))).not.toBe(first);
});

it('is made anew when its file is damaged', () => {
  writeFileSync(join(folder, 'node-id'), 'damaged%');
  const id = readNodeId(folder);
  expect(id).toMatch(/^[0-9a-f-]{36}@/);
  expect(id).toContain(readFileSync(join(folder, 'node-id'), 'utf8').trim());
});

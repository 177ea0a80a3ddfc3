import { expect, it } from 'vitest';
import { slugOf } from './slug.ts';

it.each([
  ['Weather station', 'weather-station'],
  ['  Bienenstöcke & Co. ', 'bienenstocke-co'],
  ['東京', ''],
  ['a'.repeat(60), 'a'.repeat(40)],
])('makes a short name of “%s”', (name, slug) => {
  expect(slugOf(name)).toBe(slug);
});

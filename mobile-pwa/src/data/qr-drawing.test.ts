import { renderSVG } from 'uqr';
import { expect, it } from 'vitest';
import { qrFromModules, qrFromSvg } from './qr-drawing.ts';
import { qrFromText } from './qr-from-text.ts';

/** Which modules a path of strips covers. */
function fill({ size, path }: { size: number; path: string }): boolean[][] {
  const rows = Array.from({ length: size }, () => Array.from({ length: size }, () => false));
  for (const [, x = '', y = '', width = ''] of path.matchAll(/M(\d+) (\d+)h(\d+)/g)) {
    for (let step = 0; step < Number(width); step++) rows[Number(y)]![Number(x) + step] = true;
  }
  return rows;
}

it('draws exactly the dark modules', () => {
  const rows = [
    [true, true, false],
    [false, true, true],
    [true, false, true],
  ];
  expect(fill(qrFromModules(rows))).toEqual(rows);
});

it('leaves the empty space around a code that cameras need', () => {
  const rows = fill(qrFromText('otpauth://totp/Hive:ada@example.com?secret=ABC'));
  expect(rows.slice(0, 4).flat()).not.toContain(true);
  expect(rows[4]!.slice(0, 4)).not.toContain(true);
  expect(rows[4]![4]).toBe(true);
});

it('takes the shape out of what the hive draws', () => {
  const drawing = qrFromSvg(renderSVG('https://hive.example/pair#token=abc', { pixelSize: 1 }));
  expect(drawing?.size).toBeGreaterThan(20);
  expect(drawing?.path).toMatch(/^M/);
});

it('takes nothing else out of it', () => {
  const svg = (d: string, more = '') => `<svg viewBox="0 0 9 9">${more}<path d="${d}"/></svg>`;
  expect(qrFromSvg(svg('M0 0h1v1H0z', '<script>alert(1)</script>'))).toEqual({
    size: 9,
    path: 'M0 0h1v1H0z',
  });
  expect(qrFromSvg(svg('M0 0" onload="alert(1)'))?.path).toBe('M0 0');
  expect(qrFromSvg(svg('url(#a)'))).toBeUndefined();
  expect(qrFromSvg('<svg viewBox="0 0 9 8"><path d="M0 0"/></svg>')).toBeUndefined();
  expect(qrFromSvg('')).toBeUndefined();
});

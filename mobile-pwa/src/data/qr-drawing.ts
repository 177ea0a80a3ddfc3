export interface QrDrawing {
  /** Side of the square, in the path's units, quiet zone included. */
  size: number;
  /** The dark modules, as the `d` of an SVG path. */
  path: string;
}

/** What a path of squares is made of, and nothing else. */
const PATH_DATA = /^[MmHhVvLlZz0-9 ,.-]+$/;

/**
 * Takes the shape out of an SVG and leaves everything else behind: what is drawn is ours, whatever the text holds.
 * @returns undefined for what is no drawing of one square with one path
 */
export function qrFromSvg(text: string): QrDrawing | undefined {
  const [, width, height] = /viewBox="0 0 (\d{1,5}) (\d{1,5})"/.exec(text) ?? [];
  const paths = [...text.matchAll(/<path\b[^>]*?\bd="([^"]*)"/g)].map(([, d]) => d ?? '');
  const path = paths.join('');
  if (width === undefined || width !== height || !PATH_DATA.test(path)) return undefined;
  return { size: Number(width), path };
}

/** One path for all dark modules, a strip for each run of them in a row. */
export function qrFromModules(rows: readonly (readonly boolean[])[]): QrDrawing {
  let path = '';
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; x++) {
      if (!row[x]) continue;
      const start = x;
      while (row[x + 1]) x++;
      path += `M${start} ${y}h${x + 1 - start}v1H${start}z`;
    }
  }
  return { size: rows.length, path };
}

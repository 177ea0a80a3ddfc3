/** Text from data of unknown shape: what is not text is replaced, never printed as "[object Object]". */
export function textOf(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}

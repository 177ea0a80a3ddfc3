/** The first letters of the first and last name; of a single name its first. Empty for none. */
export function initials(name: string): string {
  const words = name.trim().split(/\s+/).filter(Boolean);
  const first = words[0] ?? '';
  const last = words.length > 1 ? (words.at(-1) ?? '') : '';
  // By code point: half of an emoji is no letter.
  return [first, last].map((word) => /^./u.exec(word)?.[0].toLocaleUpperCase() ?? '').join('');
}

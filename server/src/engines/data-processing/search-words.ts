/** Words of this length and more are cut: no identifier is longer, and a lexeme may not exceed 2 KB. */
const maxWordLength = 100;
const words = /[\p{L}\p{N}]+/gu;
const camelBoundary = /(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u;

/**
 * Text as the search index sees it: words only, and each camelCase or snake_case identifier and each path both whole and
 * in parts, so that `appendEvents` is found by "events".
 */
export function searchWords(text: string): string {
  const found: string[] = [];
  for (const [word] of text.matchAll(words)) {
    if (word.length > maxWordLength) {
      found.push(word.slice(0, maxWordLength));
      continue;
    }
    const parts = word.split(camelBoundary);
    found.push(word);
    if (parts.length > 1) found.push(...parts);
  }
  return found.join(' ');
}

/** English words that carry no subject. PostgreSQL drops most of them too; these also decide which terms a query has. */
const stopWords = new Set(
  (
    'a an and any are as at be been but by can come comes could describe did do does each every explain find for from get ' +
    'give had has have he her his how i if in including into is it its just know laid layout let like list locate look ' +
    'made make me more most my no not of on one only or our out over please say see she should show so some such summarise ' +
    'summarize summary tell than that the their them then there these they this those to too up us use used uses using ' +
    'very want was way we were what when where which while who whole why will with work works would write you your source ' +
    'sources cite citations citation project repository repo codebase code folder question questions compare difference ' +
    'differences between versus vs overview structure organised organized happen happens actually really about also all'
  ).split(' '),
);

/** The words of a query that name its subject, in order, each once, lower case; identifiers whole. */
export function queryTerms(text: string): string[] {
  const terms = new Set<string>();
  for (const [word] of text.matchAll(words)) {
    const term = word.slice(0, maxWordLength).toLowerCase();
    if (term.length > 1 && !stopWords.has(term)) terms.add(term);
  }
  return [...terms].slice(0, 40);
}

/** Splits identifiers of the subject's terms for the OR query: `startLoop` → `startloop start loop`. */
export function termParts(text: string): string[] {
  return queryTerms(searchWords(text));
}

/**
 * Takes the token of a one-time link out of the address, so that it is in no history, screenshot or shared link, and
 * keeps it for this tab, so that a reload does not lose it.
 * @param page whose token it is: `setup`, `pair`, `join`
 * @returns '' when there is none
 */
export function takeLinkToken(page: string): string {
  const key = `hive-${page}-token`;
  const token = tokenInAddress();
  // Another link of the same kind, opened in this tab, changes only the fragment, and browsers load nothing for that.
  addEventListener('hashchange', reloadForToken);
  if (token) {
    sessionStorage.setItem(key, token);
    history.replaceState(history.state, '', location.pathname + location.search);
  }
  return sessionStorage.getItem(key) ?? '';
}

function tokenInAddress(): string | null {
  return new URLSearchParams(location.hash.slice(1)).get('token');
}

function reloadForToken(): void {
  if (tokenInAddress()) location.reload();
}

export function dropLinkToken(page: string): void {
  sessionStorage.removeItem(`hive-${page}-token`);
}

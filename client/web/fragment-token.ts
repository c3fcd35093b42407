/**
 * A token comes in the URL's fragment (`#token=…`), which browsers never send to a server. It is taken out of the
 * address bar at once, so that it is neither bookmarked, nor shared, nor seen over a shoulder.
 */
export function takeFragmentToken(
  location: Pick<Location, 'hash' | 'pathname' | 'search'>,
  history: Pick<History, 'replaceState'>,
): string {
  const fields = new URLSearchParams(location.hash.replace(/^#/, ''));
  const token = fields.get('token');
  if (token === null) return '';
  history.replaceState(null, '', location.pathname + location.search);
  return token.trim();
}

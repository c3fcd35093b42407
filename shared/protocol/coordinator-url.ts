const loopbackNames: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
const loopback = 'loopback';

/**
 * The base address of a coordinator in the one form in which addresses are compared: http or https, a path that ends in
 * a slash, neither credentials nor query nor fragment. Undefined when the text is no such address.
 */
export function coordinatorUrl(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  const isPlain = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  if (!isPlain || !/^https?:$/.test(url.protocol)) return undefined;
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return url.href;
}

/** The names of this machine for itself count as one. */
export function hostOf(url: string): string {
  const { hostname } = new URL(url);
  return loopbackNames.has(hostname) ? loopback : hostname;
}

export function isLoopbackUrl(url: string): boolean {
  return hostOf(url) === loopback;
}

export function isSecureUrl(url: string): boolean {
  return url.startsWith('https:');
}

/** Equal for addresses that lead to the same place, as far as that can be told. */
export function coordinatorKey(url: string): string {
  const { protocol, port, pathname } = new URL(url);
  return `${protocol}//${hostOf(url)}:${port}${pathname}`;
}

/** Whether a page of `origin` was served by one of these coordinators, under whatever name of a loopback address. */
export function isCoordinatorOrigin(origin: string, urls: readonly string[]): boolean {
  const page = originKey(origin);
  return page !== undefined && urls.some((url) => originKey(url) === page);
}

function originKey(text: string): string | undefined {
  if (coordinatorUrl(text) === undefined) return undefined;
  const { protocol, port } = new URL(text);
  return `${protocol}//${hostOf(text)}:${port}`;
}

import { signal } from '@preact/signals';
import { render } from 'preact';
import { takeFragmentToken } from '../web/fragment-token.ts';
import { mountPoint } from '../web/mount-point.ts';
import { openWebSocketLink, webSocketUrl } from '../web/websocket-link.ts';
import { createConnection } from './connection.ts';
import { createCoordinator } from './coordinator.ts';
import { parseRoute } from './route.ts';
import { AdminPage } from './view/admin-page.tsx';

const tokenKey = 'gradswarm.token';

const fragmentToken = takeFragmentToken(location, history);
const connection = createConnection({
  homeUrl: new URL('.', location.href).href,
  openLink: (url, abort) => openWebSocketLink(webSocketUrl(url, 'admin-socket'), abort),
  remember(token) {
    if (token === '') sessionStorage.removeItem(tokenKey);
    else sessionStorage.setItem(tokenKey, token);
  },
});
const coordinator = createCoordinator(connection, fetch.bind(globalThis));
const route = signal(parseRoute(location.hash));
globalThis.addEventListener('hashchange', () => {
  // Other fragments are places in the page, such as the skip link's.
  if (location.hash === '' || location.hash.startsWith('#/')) route.value = parseRoute(location.hash);
});

const token = fragmentToken || (sessionStorage.getItem(tokenKey) ?? '');
if (token !== '') connection.signIn(token);
render(<AdminPage connection={connection} coordinator={coordinator} route={route} />, mountPoint('page'));

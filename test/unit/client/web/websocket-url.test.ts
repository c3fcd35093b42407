import { expect, it } from 'vitest';
import { webSocketUrl } from '../../../../client/web/websocket-link.ts';

it.each([
  ['https://grid.example/admin#token=x', 'wss://grid.example/admin-socket'],
  ['http://localhost:8080/?a=1', 'ws://localhost:8080/admin-socket'],
  ['https://example.org/grid/', 'wss://example.org/grid/admin-socket'],
])('%s is reached at %s', (page, socket) => {
  expect(webSocketUrl(page, 'admin-socket').href).toBe(socket);
});

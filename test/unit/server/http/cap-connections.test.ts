import { once } from 'node:events';
import { createServer } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { capConnections } from '../../../../server/http/cap-connections.ts';

test('an address that holds its share gets no further connection until one of them ends', async () => {
  const server = createServer();
  capConnections(server, 2);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const open = async () => {
    const socket = connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return socket;
  };

  const first = await open();
  await open();
  await once(await open(), 'close');

  const left = once(server, 'connection').then(() => {});
  first.end();
  await once(first, 'close');
  const again = await open();
  await left;
  again.write('GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n');
  const [request] = await once(server, 'request');
  expect(request.url).toBe('/');
});

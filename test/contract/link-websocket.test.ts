import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { WebSocket } from 'ws';
import { createAdmission } from '../../server/net/admission.ts';
import { createOriginPolicy } from '../../server/net/origin-policy.ts';
import { WebSocketLink } from '../../server/net/websocket-link.ts';
import { attachWebSockets } from '../../server/net/websocket-server.ts';
import type { Link } from '../../shared/protocol/link.ts';
import { describeLink } from './link.contract.ts';

describeLink('a WebSocket', async () => {
  const server = createServer();
  let accept: (link: Link) => void;
  const accepted = new Promise<Link>((resolve) => {
    accept = resolve;
  });
  const sockets = attachWebSockets(server, {
    admission: createAdmission(),
    allowsOrigin: createOriginPolicy({ allowed: [], loopbackOnly: true }),
    gateways: { '/link': { serve: (link) => accept(link) } },
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const socket = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}/link`);
  const client = new WebSocketLink(socket);
  await once(socket, 'open');
  return {
    client,
    server: await accepted,
    async release() {
      client.close();
      await sockets.close();
      server.close();
    },
  };
});

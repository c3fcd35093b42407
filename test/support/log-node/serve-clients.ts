import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocketServer } from 'ws';
import { decodeRequest, encodeReply, type Reply, type Request } from './protocol.ts';

/** Answers requests, each as soon as it can, on a free port of this machine; returns the port. */
export async function serveClients(answer: (request: Request) => Promise<Reply>): Promise<number> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
  server.on('connection', (socket) => {
    socket.on('error', () => {});
    socket.on('message', (frame: Buffer) => {
      const { number, request } = decodeRequest(frame);
      const send = (reply: Reply): void => {
        if (socket.readyState === socket.OPEN) socket.send(encodeReply(number, reply));
      };
      answer(request).then(send, (error: Error) => send({ kind: 'unknown', reason: error.message }));
    });
  });
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

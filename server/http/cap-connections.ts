import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { networkOf } from '../../shared/base/network-of.ts';

/** Cuts off an address that holds more connections than its share: others could not connect any more. */
export function capConnections(server: Server, perAddressMax: number): void {
  const counts = new Map<string, number>();

  /** One listener for all sockets. Node remembers an address that was asked for while the socket was open. */
  function onClose(this: Socket): void {
    const address = networkOf(this.remoteAddress ?? '');
    const left = (counts.get(address) ?? 1) - 1;
    if (left > 0) counts.set(address, left);
    else counts.delete(address);
  }

  server.on('connection', (socket: Socket) => {
    const address = networkOf(socket.remoteAddress ?? '');
    const count = counts.get(address) ?? 0;
    if (count >= perAddressMax) {
      socket.destroy();
      return;
    }
    counts.set(address, count + 1);
    socket.on('close', onClose);
  });
}

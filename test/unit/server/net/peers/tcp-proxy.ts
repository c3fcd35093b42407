import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { onTestFinished } from 'vitest';

/** A cable between two nodes that can be unplugged without either of them being told. */
export interface TcpProxy {
  readonly address: string;
  /** Nothing passes any more, and no connection ends: what is sent on either side is left lying. */
  unplug(): void;
  /** What lies there goes on. */
  plug(): void;
  /** New connections pass; those of before stay as they are. */
  plugNew(): void;
  /** Connections that were made through it. */
  readonly connections: number;
}

export async function startProxy(targetPort: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let isPlugged = true;
  let connections = 0;
  const server = createServer((near) => {
    connections += 1;
    const far = connect(targetPort, '127.0.0.1');
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(socket);
      if (!isPlugged) socket.pause();
      socket.on('data', (data) => other.write(data));
      socket.on('error', () => {});
      socket.on('close', () => {
        sockets.delete(socket);
        // The end of a connection does not get past an unplugged cable either.
        if (isPlugged) other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    unplug() {
      isPlugged = false;
      for (const socket of sockets) socket.pause();
    },
    plugNew() {
      isPlugged = true;
    },
    plug() {
      isPlugged = true;
      for (const socket of sockets) socket.resume();
    },
    get connections() {
      return connections;
    },
  };
}

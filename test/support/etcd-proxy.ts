import { connect, createServer, type Socket } from 'node:net';

/**
 * What happens to a request: `pass`; `loseAnswer` carries it out and cuts the connection when the answer comes;
 * `silence` carries it out and drops the answer; `stall` drops the request too, as a stopped process does.
 */
export type ProxyRule = 'pass' | 'loseAnswer' | 'silence' | 'stall';

/** An address that stands for one member of etcd, with a network between that tells requests apart. */
export interface EtcdProxy {
  readonly url: string;
  /** The rule for requests of a path, and for what comes of those under way: for each part as it passes. */
  rule: (path: string, part: 'request' | 'answer') => ProxyRule;
  /** Keeps answers back until the function that it returns is called. */
  hold(): () => void;
  /** Lets everything pass, on new connections. */
  heal(): void;
  close(): Promise<void>;
}

const requestLine = /^(?:GET|POST) (\S+) HTTP/;

export async function openEtcdProxy(targetUrl: string): Promise<EtcdProxy> {
  const target = new URL(targetUrl);
  const sockets = new Set<Socket>();
  let held = Promise.resolve();
  const server = createServer((source) => {
    const upstream = connect(Number(target.port), target.hostname);
    let path = '';
    for (const socket of [source, upstream]) {
      sockets.add(socket);
      socket.on('error', () => socket.destroy());
      socket.on('close', () => {
        sockets.delete(socket);
        source.destroy();
        upstream.destroy();
      });
    }
    source.on('data', (chunk: Buffer) => {
      path = requestLine.exec(chunk.subarray(0, 200).toString('latin1'))?.[1] ?? path;
      if (proxy.rule(path, 'request') === 'stall') return;
      upstream.write(chunk);
    });
    upstream.on('data', async (chunk: Buffer) => {
      await held;
      const rule = proxy.rule(path, 'answer');
      if (rule === 'pass') source.write(chunk);
      if (rule === 'loseAnswer') source.resetAndDestroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the proxy has no port');
  const proxy: EtcdProxy = {
    url: `http://127.0.0.1:${address.port}`,
    rule: () => 'pass',
    hold() {
      let release = (): void => {};
      held = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    heal() {
      held = Promise.resolve();
      proxy.rule = () => 'pass';
      for (const socket of sockets) socket.destroy();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}
